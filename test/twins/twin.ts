import type { BufferFields, Kernel, StructBuffer, Values } from '../../src/gpu/kernel.js';
import type { Struct, StructValue } from '../../src/gpu/struct.js';

/** What holds a WGSL array on the CPU. A vec4f is four numbers, a vec2f two. */
export interface Elements {
  'array<f32>': Float64Array;
  'array<vec2f>': Float64Array;
  'array<vec4f>': Float64Array;
  'array<u32>': Uint32Array;
  'array<atomic<u32>>': Uint32Array;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Element<B> =
  B extends StructBuffer<infer S>
    ? S extends Struct<infer F>
      ? Mutable<StructValue<F>>[]
      : never
    : B extends `${string} ${infer T extends keyof Elements}`
      ? Elements[T]
      : Float64Array;

export type TwinBuffers<B extends BufferFields> = { readonly [N in keyof B]: Element<B[N]> };

/**
 * A kernel as a plain function: it writes to the arrays that the kernel writes to, given the kernel's buffers and the
 * values of its uniforms and immediates. In float64, so that what differs is the kernel's rounding.
 */
export type Twin<K extends Kernel> = (buffers: TwinBuffers<K['buffers']>, values: Values<K['uniforms'] & K['immediates']>) => void;
