import type { Op } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * A loss of one rating as a WGSL text and its TypeScript twin. The WGSL defines `loss(yHat: f32, y: f32) -> f32` and
 * `lossGrad(yHat: f32, y: f32) -> f32` = d loss / d yHat. A run's loss is the mean over the batch.
 */
export interface LossOp extends Op {
  readonly value: (yHat: number, y: number) => number;
  readonly grad: (yHat: number, y: number) => number;
}

/** Squared error: L = (yHat - y)^2, dL/dyHat = 2 (yHat - y). */
export const mse: LossOp = {
  name: 'mse',
  wgsl: wgsl`
fn loss(yHat: f32, y: f32) -> f32 { let e = yHat - y; return e * e; }
fn lossGrad(yHat: f32, y: f32) -> f32 { return 2.0 * (yHat - y); }
`,
  value: (yHat, y) => (yHat - y) ** 2,
  grad: (yHat, y) => 2 * (yHat - y),
};
