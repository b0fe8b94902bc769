import { type Fields, struct, type Struct, withInner } from './struct.js';
import { wgsl } from './wgsl.js';

/** Scalars that a uniform or an immediate may hold; all are 4 bytes, so a struct of them needs no padding. */
export type ScalarType = 'u32' | 'i32' | 'f32';
/** Scalars of a uniform or an immediate by name. */
export type ScalarFields = Readonly<Record<string, ScalarType>>;
/** How a kernel uses a storage buffer. */
export type Access = 'read' | 'read_write';
/** An array of structs in a storage buffer. */
export interface StructBuffer<S extends Struct = Struct> {
  readonly access: Access;
  readonly of: S;
}
/** `'read array<u32>'`, the access of a storage buffer and its WGSL type; or an array of structs. */
export type BufferType = `${Access} ${string}` | StructBuffer;
/** Storage buffers of a kernel by name. */
export type BufferFields = Readonly<Record<string, BufferType>>;

export type Values<F> = { readonly [K in keyof F]: number };

/** A buffer of structs that the kernel only reads. */
export const read = <F extends Fields>(of: Struct<F>) => ({ access: 'read', of }) as const;
/** A buffer of structs that the kernel writes. */
export const readWrite = <F extends Fields>(of: Struct<F>) => ({ access: 'read_write', of }) as const;

/** Device functions and their constants: what can be swapped in a kernel, see shaders/ops. */
export interface Op {
  /** For messages and files. */
  readonly name: string;
  readonly wgsl: string;
  /** Numbers that the functions read as `uniforms.NAME`: another value needs no other kernel. Default: none. */
  readonly uniforms?: Readonly<Record<string, number>> | undefined;
}

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
  /** Ops that the code calls; their constants join the uniforms, and `bind` knows the values. */
  readonly ops: readonly Op[];
  /** The whole WGSL module around the given declarations. */
  readonly code: (declarations: string) => string;
}

/** How immediates reach the kernel. */
export type ImmediateMode = 'immediate' | 'dynamic uniform';

const MAX_STORAGE_BUFFERS = 8;
const MAX_IMMEDIATE_BYTES = 64;

/** A kernel spec as it is written: uniforms, immediates and ops may be left out. */
export type KernelInput<U, I, B> = Omit<Kernel, 'uniforms' | 'immediates' | 'buffers' | 'ops'> & {
  uniforms?: U | undefined;
  immediates?: I | undefined;
  buffers: B;
  ops?: readonly Op[] | undefined;
};

/**
 * Checks and completes a kernel spec.
 * @throws RangeError for more than 8 storage buffers or 64 bytes of immediates, or two uniforms of one name
 */
export function defineKernel<
  const U extends ScalarFields = Record<never, ScalarType>,
  const I extends ScalarFields = Record<never, ScalarType>,
  const B extends BufferFields = BufferFields,
>(spec: KernelInput<U, I, B>): Kernel<U, I, B> {
  const { uniforms = {} as U, immediates = {} as I, ops = [] } = spec;
  const kernel = { ...spec, uniforms, immediates, ops };
  const nBuffers = Object.keys(kernel.buffers).length;
  if (nBuffers > MAX_STORAGE_BUFFERS) {
    throw new RangeError(`${kernel.name}: ${nBuffers} storage buffers, at most ${MAX_STORAGE_BUFFERS} are portable.`);
  }
  if (4 * Object.keys(kernel.immediates).length > MAX_IMMEDIATE_BYTES) {
    throw new RangeError(`${kernel.name}: its immediates exceed ${MAX_IMMEDIATE_BYTES} bytes.`);
  }
  const taken = new Map(Object.keys(kernel.uniforms).map((name) => [name, 'the kernel']));
  for (const op of kernel.ops) {
    for (const name of Object.keys(op.uniforms ?? {})) {
      const other = taken.get(name);
      if (other !== undefined) throw new RangeError(`${kernel.name}: ${op.name} and ${other} both have a uniform '${name}'; rename one.`);
      taken.set(name, op.name);
    }
  }
  return kernel;
}

/** All uniforms of a kernel: its own, then those of its ops. */
export function allUniforms({ uniforms, ops }: Kernel): ScalarFields {
  return { ...uniforms, ...Object.fromEntries(ops.flatMap((op) => Object.keys(op.uniforms ?? {}).map((name) => [name, 'f32' as const]))) };
}

/** Whether the kernel writes a buffer. */
export const accessOf = (type: BufferType): Access =>
  typeof type !== 'string' ? type.access : type.startsWith('read_write ') ? 'read_write' : 'read';

const isEmpty = (fields: object) => Object.keys(fields).length === 0;

/** The complete WGSL text of a kernel, as the device gets it. */
export function kernelSource(kernel: Kernel, mode: ImmediateMode): string {
  let binding = 0;
  const types = Object.values(kernel.buffers).flatMap((type) => (typeof type === 'string' ? [] : withInner(type.of)));
  const structs = new Map(types.map((each) => [each.name, each.wgsl]));
  const buffers = Object.entries(kernel.buffers).map(([name, type]) => {
    const wgslType = typeof type === 'string' ? type.slice(type.indexOf(' ') + 1) : `array<${type.of.name}>`;
    return `@group(0) @binding(${binding++}) var<storage, ${accessOf(type)}> ${name}: ${wgslType};\n`;
  });
  const constants = allUniforms(kernel);
  const uniforms = isEmpty(constants)
    ? ''
    : `${struct('Uniforms', constants).wgsl}@group(0) @binding(${binding++}) var<uniform> uniforms: Uniforms;\n`;
  const immediates = isEmpty(kernel.immediates)
    ? ''
    : struct('Immediates', kernel.immediates).wgsl +
      (mode === 'immediate' ? 'var<immediate> immediates: Immediates;\n' : `@group(1) @binding(0) var<uniform> immediates: Immediates;\n`);
  const requires = immediates !== '' && mode === 'immediate' ? 'requires immediate_address_space;\n' : '';
  return (
    requires +
    kernel.code(wgsl`// ${kernel.name}
const WORKGROUP_SIZE = ${kernel.workgroupSize}u;
${[...structs.values()].join('')}${buffers.join('')}${uniforms}${immediates}${kernel.ops.map((op) => op.wgsl).join('')}
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
