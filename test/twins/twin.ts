import type { Rate } from '../../shaders/ops/adam.js';
import type { BufferFields, Kernel, Values } from '../../src/gpu/kernel.js';

/** As `struct Rating` and `struct Touch` of shaders/rating.ts. */
export interface RatingStruct {
  user: number;
  item: number;
  y: number;
}
export interface TouchStruct {
  row: number;
  begin: number;
  end: number;
  isItem: number;
}

/** What holds a WGSL array on the CPU. A vec4f is four numbers. */
export interface Elements {
  'array<f32>': Float64Array;
  'array<vec4f>': Float64Array;
  'array<u32>': Uint32Array;
  'array<Rating>': RatingStruct[];
  'array<Touch>': TouchStruct[];
  'array<Rate>': Rate[];
}

export type TwinBuffers<B extends BufferFields> = {
  readonly [N in keyof B]: B[N] extends `${string} ${infer T extends keyof Elements}` ? Elements[T] : never;
};

/**
 * A kernel as a plain function: it writes to the arrays that the kernel writes to, given the kernel's buffers and the
 * values of its uniforms and immediates. In float64, so that what differs is the kernel's rounding.
 */
export type Twin<K extends Kernel> = (buffers: TwinBuffers<K['buffers']>, values: Values<K['uniforms'] & K['immediates']>) => void;
