import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * One optimiser step of one parameter as a WGSL text and its TypeScript twin. The WGSL defines
 * `update(p, m, v, g, rate, wd, beta2, eps)` on pointers, for the given element type (`f32` or `vec4f`).
 */
export interface OptimizerOp {
  readonly name: string;
  readonly wgsl: (type: 'f32' | 'vec4f') => string;
  /** The new [p, m, v]. */
  readonly update: (
    p: number,
    m: number,
    v: number,
    g: number,
    rate: Rate,
    wd: number,
    beta2: number,
    eps: number,
  ) => [p: number, m: number, v: number];
}

/** What the host computes in float64 for a step, t being the 1-based count of steps that the optimiser has made. */
export interface Rate {
  lr: number;
  /** beta1 of this step. */
  beta1: number;
  /** lr / (1 - beta1^t) */
  stepSize: number;
  /** 1 / sqrt(1 - beta2^t) */
  vScale: number;
}

/** Floats of one `Rate` in a buffer. */
export const RATE_SIZE = 4;

export const rateStruct = wgsl`
struct Rate { lr: f32, beta1: f32, stepSize: f32, vScale: f32 }
`;

/** The floats of a `Rate` struct. */
export const rateFields = ({ lr, beta1, stepSize, vScale }: Rate): number[] => [lr, beta1, stepSize, vScale];

/** `Rate` of a step; `t` counts from 1. The bias correction uses the step's own momentum, as PyTorch's Adam does. */
export function rateOf(lr: number, beta1: number, beta2: number, t: number): Rate {
  return { lr, beta1, stepSize: lr / (1 - beta1 ** t), vScale: 1 / Math.sqrt(1 - beta2 ** t) };
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), in fastai's order: decay first, then the step.
 *   p <- p (1 - lr wd);  m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2
 *   p <- p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
 */
export const adam: OptimizerOp = {
  name: 'adam',
  wgsl: (type) => wgsl`
fn update(p: ptr<function, ${type}>, m: ptr<function, ${type}>, v: ptr<function, ${type}>, g: ${type}, rate: Rate, wd: f32, beta2: f32, eps: f32) {
  *m = rate.beta1 * *m + (1.0 - rate.beta1) * g;
  *v = beta2 * *v + (1.0 - beta2) * g * g;
  *p = *p * (1.0 - rate.lr * wd) - rate.stepSize * *m / (sqrt(*v) * rate.vScale + eps);
}
`,
  update: (p, m, v, g, rate, wd, beta2, eps) => {
    m = rate.beta1 * m + (1 - rate.beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    p = p * (1 - rate.lr * wd) - (rate.stepSize * m) / (Math.sqrt(v) * rate.vScale + eps);
    return [p, m, v];
  },
};
