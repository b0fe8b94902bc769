import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * A loss of one rating as a WGSL text and its TypeScript twin. The WGSL defines `loss(yHat, y)` and
 * `lossGrad(yHat, y)` = d loss / d yHat. A run's loss is the mean over the batch. `name` must tell variants apart.
 */
export interface LossOp {
  readonly name: string;
  readonly wgsl: string;
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
