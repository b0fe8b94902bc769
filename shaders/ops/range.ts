import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * The prediction from the raw score: yHat = lo + (hi - lo) sigmoid(z), and its derivative with respect to z.
 * `yRange: null` makes both the identity and 1. z is clamped so that exp stays finite (a shader may assume no infinity);
 * sigmoid is written with exp because tanh is inaccurate on software adapters.
 */
export interface RangeOp {
  readonly name: string;
  readonly wgsl: string;
  readonly value: (z: number) => number;
  readonly grad: (z: number) => number;
}

const Z_MAX = 80;
const sigmoid = (z: number) => 1 / (1 + Math.exp(-Math.min(Math.max(z, -Z_MAX), Z_MAX)));

/** The op of a range of predictions; null: none, the identity. */
export function sigmoidRange(yRange: readonly [lo: number, hi: number] | null): RangeOp {
  if (yRange === null) {
    return {
      name: 'identity',
      wgsl: wgsl`
fn predict(z: f32, lo: f32, hi: f32) -> f32 { return z; }
fn predictGrad(z: f32, lo: f32, hi: f32) -> f32 { return 1.0; }
`,
      value: (z) => z,
      grad: () => 1,
    };
  }
  const [lo, hi] = yRange;
  return {
    name: 'sigmoidRange',
    wgsl: wgsl`
fn sigmoid(z: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(z, -${Z_MAX}.0, ${Z_MAX}.0))); }
fn predict(z: f32, lo: f32, hi: f32) -> f32 { return lo + (hi - lo) * sigmoid(z); }
fn predictGrad(z: f32, lo: f32, hi: f32) -> f32 { let s = sigmoid(z); return (hi - lo) * s * (1.0 - s); }
`,
    value: (z) => lo + (hi - lo) * sigmoid(z),
    grad: (z) => {
      const s = sigmoid(z);
      return (hi - lo) * s * (1 - s);
    },
  };
}
