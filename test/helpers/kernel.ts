/** One kernel beside its twin, on the same input. */
import * as assert from 'uvu/assert';
import type { Gpu } from '../../src/gpu/gpu.js';
import { accessOf, type BufferType, type Kernel, type Values } from '../../src/gpu/kernel.js';
import { type Fields, StructArray, type StructValue } from '../../src/gpu/struct.js';
import { Member, RowTouch, SideRating } from '../../shaders/ops/structs.js';
import type { Twin, TwinBuffers } from '../twins/twin.js';
import { assertClose, largest } from './training.js';

/** Ten times what any kernel is off by on SwiftShader and lavapipe. */
const TOLERANCE = 5e-6;
/** Where all values are smaller than this, as the loss of one good prediction is, errors count beside it. */
const LEAST_SCALE = 0.1;

/** Workgroups hold 64: one below, at, above and beyond. */
export const SIZES = [1, 63, 64, 65, 129];
export const FACTORS = [1, 3, 5, 40];

/**
 * Words after the end of every buffer that a kernel must leave alone: a NaN, so that reading them shows, and another one
 * for each buffer, so that copying them shows too.
 */
const GUARD = 256;
const sentinel = (buffer: number) => 0x7fc0de00 + buffer;

export interface Launch<K extends Kernel> {
  buffers: TwinBuffers<K['buffers']>;
  uniforms: Values<K['uniforms']>;
  immediates: Values<K['immediates']>;
  /** Invocations; more are dispatched, and must do nothing. */
  threads?: number;
  /** Exactly so many workgroups, of a kernel for which more would be wrong. */
  groups?: number;
}

type Elements = Uint32Array | Float64Array | StructValue<Fields>[];

/**
 * Dispatches the kernel, runs the twin, and asserts that all that the kernel may write agrees beside the largest of its
 * kind (of its buffer, or of its field in a struct) or `LEAST_SCALE`, and that nothing else changed.
 */
export async function assertKernelIsTwin<K extends Kernel>(
  gpu: Gpu,
  kernel: K,
  twin: Twin<K>,
  launch: Launch<K>,
  tolerance = TOLERANCE,
): Promise<void> {
  const { uniforms, immediates, threads, groups } = launch;
  const buffers = launch.buffers as unknown as Record<string, Elements>;
  const pipeline = await gpu.compile(kernel);
  const names = Object.keys(kernel.buffers);
  const wordsIn = (name: string) => wordsOf(kernel, name, buffers[name]);
  const inputs = names.map(wordsIn);
  const outputs = await gpu.withScope(async (scope) => {
    const gpuBuffers = inputs.map((words, i) => {
      const guarded = new Uint32Array(words.length + GUARD).fill(sentinel(i));
      guarded.set(words);
      return scope.upload(names[i], guarded);
    });
    const bind = pipeline.bind.bind(pipeline) as (scope: object, buffers: object, uniforms: object) => ReturnType<typeof pipeline.bind>;
    const binding = bind(scope, Object.fromEntries(names.map((name, i) => [name, gpuBuffers[i]])), uniforms);
    const recorder = gpu.record();
    const dispatch = recorder.dispatchGroups.bind(recorder) as (binding: object, groups: number, immediates?: object) => typeof recorder;
    const nGroups = groups ?? Math.ceil(threads! / kernel.workgroupSize) + 2;
    dispatch(binding, nGroups, ...(Object.keys(kernel.immediates).length > 0 ? [immediates] : [])).submit();
    return Promise.all(gpuBuffers.map((buffer) => gpu.readWords(buffer)));
  });

  twin(launch.buffers, { ...uniforms, ...immediates } as Parameters<Twin<K>>[1]);
  names.forEach((name, i) => {
    const { length } = inputs[i];
    assert.ok(
      outputs[i].subarray(length).every((word) => word === sentinel(i)),
      `${kernel.name} writes beyond the end of ${name}`,
    );
    if (accessOf(kernel.buffers[name]) === 'read_write') {
      const type = kernel.buffers[name];
      if (isWhole(type)) {
        assert.equal(outputs[i].subarray(0, length), wordsIn(name), `${kernel.name}: ${name}`);
        return;
      }
      const wanted = buffers[name] instanceof Float64Array ? (buffers[name] as Float64Array) : new Float32Array(wordsIn(name).buffer);
      const stride = typeof type === 'string' ? 1 : type.of.size;
      for (let word = 0; word < stride; word++) {
        const found = every(new Float32Array(outputs[i].buffer, 0, length), word, stride);
        const values = every(wanted, word, stride);
        const what = `${kernel.name}: ${name}${stride > 1 ? `, word ${word}` : ''}`;
        assertClose(found, values, tolerance, what, Math.max(LEAST_SCALE, largest(values)));
      }
    } else {
      assert.equal(outputs[i].subarray(0, length), inputs[i], `${kernel.name} changes ${name}`);
    }
  });
}

/** Whether a buffer holds nothing that is computed in floating point, so that every bit must agree. */
const isWhole = (type: BufferType) => (typeof type === 'string' ? type.includes('u32') : EXACT.has(type.of.name));
const EXACT = new Set([RowTouch, Member, SideRating].map(({ name }) => name));

/** Every `stride`th value, from the one at `first` on. */
const every = (values: Float32Array | Float64Array, first: number, stride: number) => values.filter((_, i) => i % stride === first);

/** The words of an array as the GPU holds it. */
function wordsOf(kernel: Kernel, name: string, elements: Elements): Uint32Array<ArrayBuffer> {
  if (elements instanceof Uint32Array) return Uint32Array.from(elements);
  if (elements instanceof Float64Array) return new Uint32Array(Float32Array.from(elements).buffer);
  const type = kernel.buffers[name];
  if (typeof type === 'string') throw new TypeError(`${name} is an array of structs, but ${kernel.name} declares ${type}.`);
  const array = new StructArray(type.of, elements.length);
  elements.forEach((value, i) => array.set(i, value));
  return array.words;
}
