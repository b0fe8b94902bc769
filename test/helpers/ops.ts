/** Ops of a researcher. */
import type { OptimizerOp } from '../../shaders/ops/optimizer.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import { wgsl } from '../../src/gpu/wgsl.js';

/** RMSprop, which has no closed form here. */
export const rmsProp: OptimizerOp = {
  name: 'rmsProp',
  uniforms: { alpha: 0.99 },
  nState: 1,
  rate: (lr) => ({ lr }),
  wgsl: wgsl`
fn update(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, g: vec4f, rate: Rate, wd: f32) {
  *m = uniforms.alpha * *m + (1.0 - uniforms.alpha) * g * g;
  *p = *p * (1.0 - rate.lr * wd) - rate.lr * g / (sqrt(*m) + 1e-6);
}
`,
  update: (p, m, v, g, { lr }, wd) => {
    m = 0.99 * m + 0.01 * g * g;
    return [p * (1 - lr * wd) - (lr * g) / (Math.sqrt(m) + 1e-6), m, v];
  },
};

/** Minus the squared distance of two vectors: users like what is near. */
export const negativeSquaredDistance: ScoreOp = {
  name: 'negativeSquaredDistance',
  wgsl: wgsl`
fn scoreSum(user: vec4f, item: vec4f) -> f32 { let d = user - item; return -dot(d, d); }
fn scoreValue(sum: f32) -> f32 { return sum; }
fn scoreUserGrad(user: vec4f, item: vec4f, sum: f32) -> vec4f { return 2.0 * (item - user); }
fn scoreItemGrad(user: vec4f, item: vec4f, sum: f32) -> vec4f { return 2.0 * (user - item); }
`,
  value: (user, item) => -Array.from(user, (u, f) => (u - item[f]) ** 2).reduce((sum, d) => sum + d, 0),
  grad: (user, item) => [Array.from(user, (u, f) => 2 * (item[f] - u)), Array.from(user, (u, f) => 2 * (u - item[f]))],
};

/** Cosine of the angle between two vectors, kept away from a division by zero: it needs three sums, and its gradient the sums. */
export const cosine: ScoreOp = {
  name: 'cosine',
  sum: 'vec3f',
  wgsl: wgsl`
fn scoreSum(user: vec4f, item: vec4f) -> vec3f { return vec3f(dot(user, item), dot(user, user), dot(item, item)); }
fn scoreValue(sum: vec3f) -> f32 { return sum.x / sqrt((sum.y + 0.01) * (sum.z + 0.01)); }
fn scoreUserGrad(user: vec4f, item: vec4f, sum: vec3f) -> vec4f {
  return (item - sum.x / (sum.y + 0.01) * user) / sqrt((sum.y + 0.01) * (sum.z + 0.01));
}
fn scoreItemGrad(user: vec4f, item: vec4f, sum: vec3f) -> vec4f { return scoreUserGrad(item, user, sum.xzy); }
`,
  value: (user, item) => dot(user, item) / Math.sqrt((dot(user, user) + 0.01) * (dot(item, item) + 0.01)),
  grad: (user, item) => [slope(user, item), slope(item, user)],
};

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a, (x, f) => x * b[f]).reduce((sum, xy) => sum + xy, 0);

/** d cosine / d a */
function slope(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const [ab, aa, bb] = [dot(a, b), dot(a, a) + 0.01, dot(b, b) + 0.01];
  return Array.from(a, (x, f) => (b[f] - (ab / aa) * x) / Math.sqrt(aa * bb));
}

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

/** lo + log(1 + exp(z)): predictions above `lo`, without an upper bound. */
export const softplusAbove = (lo: number): RangeOp => ({
  name: 'softplusAbove',
  uniforms: { above: lo },
  wgsl: wgsl`
fn range(z: f32) -> f32 { return uniforms.above + max(z, 0.0) + log(1.0 + exp(-abs(z))); }
fn rangeGrad(z: f32) -> f32 { return 1.0 / (1.0 + exp(-z)); }
`,
  bounds: null,
  value: (z) => lo + Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  grad: (z) => 1 / (1 + Math.exp(-z)),
});
