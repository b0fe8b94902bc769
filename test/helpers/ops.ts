/** Ops of a researcher. */
import type { OptimizerOp } from '../../shaders/ops/adam.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import { wgsl } from '../../src/gpu/wgsl.js';

/** Gradient descent with momentum and decoupled weight decay. */
export const sgd: OptimizerOp = {
  name: 'sgd',
  wgsl: (type) => wgsl`
fn update(p: ptr<function, ${type}>, m: ptr<function, ${type}>, v: ptr<function, ${type}>, g: ${type}, rate: Rate, wd: f32, beta2: f32, eps: f32) {
  *m = rate.beta1 * *m + g;
  *p = *p * (1.0 - rate.lr * wd) - rate.lr * *m;
}
`,
  update: (p, m, v, g, rate, wd) => [p * (1 - rate.lr * wd) - rate.lr * (rate.beta1 * m + g), rate.beta1 * m + g, v],
};

/** log cosh(yHat - y): squared near 0, absolute far away. */
export const logCosh: LossOp = {
  name: 'logCosh',
  wgsl: wgsl`
fn loss(yHat: f32, y: f32) -> f32 { let a = abs(yHat - y); return a + log(1.0 + exp(-2.0 * a)) - 0.6931471805599453; }
fn lossGrad(yHat: f32, y: f32) -> f32 { let e = yHat - y; let t = exp(-2.0 * abs(e)); return sign(e) * (1.0 - t) / (1.0 + t); }
`,
  value: (yHat, y) => Math.log(Math.cosh(yHat - y)),
  grad: (yHat, y) => Math.tanh(yHat - y),
};
