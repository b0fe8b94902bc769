import { wgsl } from '../../src/gpu/wgsl.js';
import { biasCorrection, idlePoles, idleQ, replayEnd } from './adam-poles.js';
import type { IdleOp, OptimizerOp } from './optimizer.js';

/** Constants of `adam`. */
export interface AdamOptions {
  /** Decay of the second moment, in (0, 1). Default 0.99, as fastai. */
  beta2?: number | undefined;
  /** Keeps the step finite where gradients vanish, in [1e-12, 1). Default 1e-8, as fastai 1; fastai 2 has 1e-5. */
  eps?: number | undefined;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), in fastai's order: decay first, then the step. t counts
 * from 1, and the bias correction uses the step's own beta1, as PyTorch's Adam does.
 *
 *     p <- p (1 - lr wd);  m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * @throws RangeError for a constant out of range
 */
export function adam({ beta2 = 0.99, eps = 1e-8 }: AdamOptions = {}): OptimizerOp {
  if (!(beta2 > 0 && beta2 < 1)) throw new RangeError(`beta2 must lie in (0, 1), not ${beta2}.`);
  if (!(eps >= 1e-12 && eps < 1)) throw new RangeError(`eps must lie in [1e-12, 1), not ${eps}.`);
  return {
    name: 'adam',
    uniforms: { beta2, eps },
    nState: 2,
    rate: (lr, beta1, t) => ({
      lr,
      beta1,
      stepSize: lr / biasCorrection(beta1, t),
      vScale: 1 / Math.sqrt(biasCorrection(beta2, t)),
    }),
    wgsl: wgsl`
fn update(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, g: vec4f, rate: Rate, wd: f32) {
  *m = rate.beta1 * *m + (1.0 - rate.beta1) * g;
  *v = uniforms.beta2 * *v + (1.0 - uniforms.beta2) * g * g;
  *p = *p * (1.0 - rate.lr * wd) - rate.stepSize * *m / (sqrt(*v) * rate.vScale + uniforms.eps);
}
`,
    update: (p, m, v, g, { lr, beta1, stepSize, vScale }, wd) => {
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      p = p * (1 - lr * wd) - (stepSize * m) / (Math.sqrt(v) * vScale + eps);
      return [p, m, v];
    },
    idle: idleAdam(beta2, eps),
  };
}

/**
 * Adam's idle steps by the poles of Q_t, see adam-poles.ts: with s = sqrt(v),
 *
 *     p1 - m1 Q_t1(s1) = W (p0 - m0 Q_t0(s0))    m1 = B m0    s1 = beta2^((t1 - t0) / 2) s0
 *
 * The WGSL puts Q over one common denominator: a few products are far cheaper than two more divisions, and all terms are
 * positive, so nothing cancels.
 */
function idleAdam(beta2: number, eps: number): IdleOp {
  return {
    fields: { weights: 'vec3f', shifts: 'vec3f' },
    decays: ['beta1', Math.sqrt(beta2)],
    wgsl: wgsl`
fn idleQ(poles: Idle, s: vec4f) -> vec4f {
  let a = s + poles.shifts.x;
  let b = s + poles.shifts.y;
  let c = s + poles.shifts.z;
  let ab = a * b;
  return (c * (poles.weights.x * b + poles.weights.y * a) + poles.weights.z * ab) / (ab * c);
}
fn idle(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, wdDecay: f32, decays: vec2f, before: Idle, after: Idle) {
  let s = sqrt(*v);
  let rest = *p - *m * idleQ(before, s);
  *m *= decays.x;
  *v *= decays.y * decays.y;
  *p = wdDecay * rest + *m * idleQ(after, s * decays.y);
}
`,
    // Both formulas with one square root, and two divisions where they have four: with the new m and v, s = sqrt(v),
    // Q_t0 = N / D and den = s vScale + eps,
    //     p1 = W (p (1 - lr wd) - m (stepSize D + N den) / (D den)) + B m Q_t1
    updateThenIdle: wgsl`
fn updateThenIdle(
  p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, g: vec4f, rate: Rate,
  wd: f32, wdDecay: f32, decays: vec2f, before: Idle, after: Idle
) {
  let m1 = rate.beta1 * *m + (1.0 - rate.beta1) * g;
  let v1 = uniforms.beta2 * *v + (1.0 - uniforms.beta2) * g * g;
  let s = sqrt(v1);
  let den = s * rate.vScale + uniforms.eps;
  let a = s + before.shifts.x;
  let b = s + before.shifts.y;
  let c = s + before.shifts.z;
  let ab = a * b;
  let D = ab * c;
  let N = c * (before.weights.x * b + before.weights.y * a) + before.weights.z * ab;
  let rest = *p * (1.0 - rate.lr * wd) - m1 * ((rate.stepSize * D + N * den) / (D * den));
  let root = s * decays.y;
  *m = decays.x * m1;
  *v = root * root;
  *p = wdDecay * rest + *m * idleQ(after, root);
}
`,
    table: (schedule, { wd, stepCount }) => {
      const options = { wd, beta2, eps, stepCount };
      const rows = idlePoles(schedule, options);
      return { rows, validFrom: replayEnd(schedule, options, rows) };
    },
    advance: ([p, m, v], { wdDecay, decays: [b, root], before, after }) => {
      const s = Math.sqrt(v);
      const rest = p - m * idleQ(before, s);
      return [wdDecay * rest + m * b * idleQ(after, s * root), m * b, v * root * root];
    },
  };
}
