import { checkRange } from '../../src/base/check.js';
import type { Op } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * The prediction from the raw score, yHat = range(z), as a WGSL text and its TypeScript twin. The WGSL defines
 * `range(z: f32) -> f32` and `rangeGrad(z: f32) -> f32` = d yHat / d z.
 */
export interface RangeOp extends Op {
  /** Between which predictions lie; null if they may be any number. */
  readonly bounds: readonly [lo: number, hi: number] | null;
  readonly value: (z: number) => number;
  readonly grad: (z: number) => number;
}

/** No range: the prediction is the raw score. */
export const identity: RangeOp = {
  name: 'identity',
  wgsl: wgsl`
fn range(z: f32) -> f32 { return z; }
fn rangeGrad(z: f32) -> f32 { return 1.0; }
`,
  bounds: null,
  value: (z) => z,
  grad: () => 1,
};

const Z_MAX = 80;
const sigmoid = (z: number) => 1 / (1 + Math.exp(-Math.min(Math.max(z, -Z_MAX), Z_MAX)));

/**
 * fastai's sigmoid_range: yHat = lo + (hi - lo) sigmoid(z). z is clamped so that exp stays finite (a shader may assume
 * that there are no infinities); sigmoid is written with exp because tanh is inaccurate on software adapters.
 *
 * @throws RangeError unless lo < hi, both finite
 */
export function sigmoidRange([lo, hi]: readonly [lo: number, hi: number]): RangeOp {
  checkRange('The range of predictions', [lo, hi]);
  return {
    name: 'sigmoidRange',
    uniforms: { lo, hi },
    wgsl: wgsl`
fn sigmoid(z: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(z, -${Z_MAX}.0, ${Z_MAX}.0))); }
fn range(z: f32) -> f32 { return uniforms.lo + (uniforms.hi - uniforms.lo) * sigmoid(z); }
fn rangeGrad(z: f32) -> f32 { let s = sigmoid(z); return (uniforms.hi - uniforms.lo) * s * (1.0 - s); }
`,
    bounds: [lo, hi],
    value: (z) => lo + (hi - lo) * sigmoid(z),
    grad: (z) => {
      const s = sigmoid(z);
      return (hi - lo) * s * (1 - s);
    },
  };
}

/** The range op of a pair of bounds; null: the identity. */
export const rangeOf = (bounds: readonly [lo: number, hi: number] | null): RangeOp => (bounds === null ? identity : sigmoidRange(bounds));
