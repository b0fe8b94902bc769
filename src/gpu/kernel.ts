import { wgsl } from './wgsl.js';

/** Scalars that a uniform or an immediate may hold; all are 4 bytes, so a struct of them needs no padding. */
export type ScalarType = 'u32' | 'i32' | 'f32';
/** Scalars of a uniform or an immediate by name. */
export type ScalarFields = Readonly<Record<string, ScalarType>>;
/** `'read array<u32>'`: the access of a storage buffer and its WGSL type. */
export type BufferType = `${'read' | 'read_write'} ${string}`;
/** Storage buffers of a kernel by name. */
export type BufferFields = Readonly<Record<string, BufferType>>;

export type Values<F> = { readonly [K in keyof F]: number };

/**
 * One compute kernel. The spec is the one place where its bindings exist: it writes the WGSL declarations, makes the
 * explicit layout and types the call, so that a wrong name fails in `tsc`.
 *
 * Bindings, all in group 0: the storage buffers in the order of `buffers`, then the uniform struct. Values that change
 * at every dispatch are `immediates`: WGSL immediates where the language has them, else a uniform with a dynamic offset.
 */
export interface Kernel<
  U extends ScalarFields = ScalarFields,
  I extends ScalarFields = ScalarFields,
  B extends BufferFields = BufferFields,
> {
  /** Unique for each variant: two kernels of one name must have the same code. */
  readonly name: string;
  readonly workgroupSize: number;
  /** Constants of a binding, read in WGSL as `uniforms.nRows`. */
  readonly uniforms: U;
  /** Values of a dispatch, read in WGSL as `immediates.step`. */
  readonly immediates: I;
  /** Storage buffers, at most 8 (the portable limit), read in WGSL by their name. */
  readonly buffers: B;
  /** The whole WGSL module around the given declarations. */
  readonly code: (declarations: string) => string;
}

/** How immediates reach the kernel. */
export type ImmediateMode = 'immediate' | 'dynamic uniform';

const MAX_STORAGE_BUFFERS = 8;
const MAX_IMMEDIATE_BYTES = 64;

/** A kernel spec as it is written: uniforms and immediates may be left out. */
export type KernelInput<U, I, B> = Omit<Kernel, 'uniforms' | 'immediates' | 'buffers'> & { uniforms?: U; immediates?: I; buffers: B };

/** Checks and completes a kernel spec. */
export function defineKernel<
  const U extends ScalarFields = Record<never, ScalarType>,
  const I extends ScalarFields = Record<never, ScalarType>,
  const B extends BufferFields = BufferFields,
>(spec: KernelInput<U, I, B>): Kernel<U, I, B> {
  const kernel = { uniforms: {} as U, immediates: {} as I, ...spec };
  const nBuffers = Object.keys(kernel.buffers).length;
  if (nBuffers > MAX_STORAGE_BUFFERS)
    throw new RangeError(`${kernel.name}: ${nBuffers} storage buffers, at most ${MAX_STORAGE_BUFFERS} are portable`);
  if (4 * Object.keys(kernel.immediates).length > MAX_IMMEDIATE_BYTES)
    throw new RangeError(`${kernel.name}: immediates exceed ${MAX_IMMEDIATE_BYTES} bytes`);
  return kernel;
}

const struct = (name: string, fields: ScalarFields) =>
  `struct ${name} {\n${Object.entries(fields)
    .map(([field, type]) => `  ${field}: ${type},\n`)
    .join('')}}\n`;

const isEmpty = (fields: object) => Object.keys(fields).length === 0;

/** The complete WGSL text of a kernel, as the device gets it. */
export function kernelSource(kernel: Kernel, mode: ImmediateMode): string {
  let binding = 0;
  const buffers = Object.entries(kernel.buffers).map(([name, spec]) => {
    const space = spec.indexOf(' ');
    return `@group(0) @binding(${binding++}) var<storage, ${spec.slice(0, space)}> ${name}: ${spec.slice(space + 1)};\n`;
  });
  const uniforms = isEmpty(kernel.uniforms)
    ? ''
    : `${struct('Uniforms', kernel.uniforms)}@group(0) @binding(${binding++}) var<uniform> uniforms: Uniforms;\n`;
  const immediates = isEmpty(kernel.immediates)
    ? ''
    : struct('Immediates', kernel.immediates) +
      (mode === 'immediate' ? 'var<immediate> immediates: Immediates;\n' : `@group(1) @binding(0) var<uniform> immediates: Immediates;\n`);
  const requires = immediates !== '' && mode === 'immediate' ? 'requires immediate_address_space;\n' : '';
  return (
    requires +
    kernel.code(wgsl`// ${kernel.name}
const WORKGROUP_SIZE = ${kernel.workgroupSize}u;
${buffers.join('')}${uniforms}${immediates}
// Index of an invocation in a grid that Recorder.dispatch folds into two dimensions when one would exceed the limit.
fn threadIndex(id: vec3u, groups: vec3u) -> u32 { return id.y * groups.x * WORKGROUP_SIZE + id.x; }
fn groupIndex(group: vec3u, groups: vec3u) -> u32 { return group.y * groups.x + group.x; }
`)
  );
}

/** Packs scalar values in the order of their fields, 4 bytes each. */
export function packScalars(kernelName: string, fields: ScalarFields, values: Readonly<Record<string, number>>): Uint32Array<ArrayBuffer> {
  const names = Object.keys(fields);
  const words = new Uint32Array(names.length);
  const floats = new Float32Array(words.buffer);
  names.forEach((name, i) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`${kernelName}: no value for ${name}`);
    if (fields[name] === 'f32') floats[i] = value;
    else words[i] = value;
  });
  return words;
}
