import type { Schedule } from '../../src/schedule/schedule.js';
import { backward } from './backward.js';
import type { IdleOptions } from './optimizer.js';

/**
 * Dense Adam moves a row at every step, touched or not. While a row is idle its gradient is zero, and the many steps
 * collapse into one formula, exact for any schedule. With s = sqrt(v), W and B the products of (1 - lr wd) and of
 * beta1 over the idle steps t0..t1-1, and
 *
 *   Q_t(s) = sum over j >= t of a_j / (s + eps x_j)      x_j = sqrt(1 - beta2^{T_j}) beta2^{-(j-t+1)/2}
 *                                                        a_j = lr_j / (1 - beta1_j^{T_j}) B(t..j) / W(t..j) x_j
 * (T_j the 1-based step count of the optimiser at step j), the idle row obeys
 *
 *   p1 - m1 Q_t1(s1) = W (p0 - m0 Q_t0(s0))    m1 = B m0    v1 = beta2^(t1-t0) v0
 *
 * Q_t is a Stieltjes sum, so n-point Gauss quadrature from its first 2n moments replaces the infinite sum by n poles:
 * Q_t(s) ~ sum_i w_i / (s + eps x_i). The moments follow by a backward recursion:
 *
 *   F_k(t) = sum a_j x_j^k = r_k [lr_t / (1 - beta1_t^T) (1 - beta2^T)^((k+1)/2) + F_k(t+1)]
 *   r_k = beta1_t / (1 - lr_t wd) beta2^(-(k+1)/2)
 *
 * All in float64: poles computed in float32 are too coarse. In the first steps of a fresh optimiser the measure is too
 * spread for a few poles; there, and wherever the fit is poor, rows replay their idle steps one by one.
 */
export const N_POLES = 3;

/** Poles of Q_t for one weight decay: weights w and shifts eps x, N_POLES of each for every step t of a window. */
export type Poles = Readonly<Record<'weights' | 'shifts', Float64Array>>;

/** Poles of the steps [from, to) of a schedule, to <= nSteps + 1. */
export type PolesOf = (from: number, to: number) => Poles;

/** What the poles depend on beside the schedule. */
export interface PoleOptions extends IdleOptions {
  readonly beta2: number;
  readonly eps: number;
}

export function idlePoles({ lr, beta1 }: Schedule, { wd, beta2, eps, stepCount }: PoleOptions): PolesOf {
  const moments = new Float64Array(2 * N_POLES);
  const rootBeta2 = Math.sqrt(beta2);
  const growths = moments.map(() => 1 / rootBeta2);
  for (let k = 1; k < growths.length; k++) growths[k] = growths[k - 1] / rootBeta2;
  const { visit } = backward(lr.length, moments, (t) => {
    const T = stepCount + t + 1;
    const size = lr[t] / biasCorrection(beta1[t], T);
    const rootD2 = Math.sqrt(biasCorrection(beta2, T));
    const r = beta1[t] / (1 - lr[t] * wd);
    let scale = rootD2;
    for (let k = 0; k < 2 * N_POLES; k++) {
      moments[k] = r * growths[k] * (size * scale + moments[k]);
      scale *= rootD2;
    }
  });
  return (from, to) => {
    const weights = new Float64Array((to - from) * N_POLES);
    const shifts = new Float64Array((to - from) * N_POLES).fill(eps);
    visit(from, to, (t) => gaussQuadrature(moments, eps, weights, shifts, (t - from) * N_POLES));
    return { weights, shifts };
  };
}

/** 1 - beta^t, for beta in [0, 1]. Without the power where it is 1 to the last bit: beta^t <= exp(-t (1 - beta)) < 2^-54. */
export const biasCorrection = (beta: number, t: number): number => (t * (1 - beta) > 38 ? 1 : 1 - beta ** t);

/** Scratch of gaussQuadrature: recurrence coefficients and the rows of the Chebyshev algorithm. */
const alpha = new Float64Array(N_POLES);
const beta = new Float64Array(N_POLES);
const sigma = [0, 1, 2].map(() => new Float64Array(2 * N_POLES));

/**
 * Nodes and weights of the Gauss rule of a measure with the given moments, nodes scaled by `scale`: the recurrence of its
 * orthogonal polynomials by the Chebyshev algorithm (Gautschi 2004), then their roots. A measure of fewer points gives as
 * many poles, and leaves the others as they are, with weight 0. Both are written from place `at` on.
 */
function gaussQuadrature(moments: Float64Array, scale: number, weights: Float64Array, nodes: Float64Array, at: number): void {
  const mass = moments[0];
  // Moments so small have lost their digits, and there is nothing left to come.
  if (!(mass > 1e-290) || !Number.isFinite(moments[2 * N_POLES - 1])) return;
  const unit = moments[1] / mass;
  let [older, old, now] = sigma as [Float64Array, Float64Array, Float64Array];
  older.fill(0);
  for (let k = 0, power = mass; k < 2 * N_POLES; k++, power *= unit) old[k] = moments[k] / power;
  alpha[0] = 1;
  beta[0] = 1;
  let n = 1;
  for (; n < N_POLES; n++) {
    for (let l = n; l < 2 * N_POLES - n; l++) now[l] = old[l + 1] - alpha[n - 1] * old[l] - beta[n - 1] * older[l];
    // A measure of n points has no polynomial of degree n: what is left is rounding.
    if (!(now[n] > 1e-13 * Math.abs(old[n - 1]))) break;
    beta[n] = now[n] / old[n - 1];
    alpha[n] = now[n + 1] / now[n] - old[n] / old[n - 1];
    [older, old, now] = [old, now, older];
  }
  roots(n, nodes, at);
  for (let i = 0; i < n; i++) {
    const x = nodes[at + i];
    // weight = mass / sum of the squared orthonormal polynomials at the node
    let previous = 0;
    let value = 1;
    let norm = 1;
    let sum = 1;
    for (let k = 1; k < n; k++) {
      const next = (x - alpha[k - 1]) * value - (k > 1 ? beta[k - 1] : 0) * previous;
      previous = value;
      value = next;
      norm *= beta[k];
      sum += (value * value) / norm;
    }
    weights[at + i] = mass / sum;
    nodes[at + i] = x * unit * scale;
  }
}

/** Roots of the orthogonal polynomial of degree n <= 3, from place `at` on: the eigenvalues of its Jacobi matrix, in closed form. */
function roots(n: number, out: Float64Array, at: number): void {
  const { 0: a, 1: b, 2: c } = alpha;
  const { 1: e, 2: f } = beta;
  if (n === 1) {
    out[at] = a;
  } else if (n === 2) {
    const centre = (a + b) / 2;
    const radius = Math.sqrt(((a - b) / 2) ** 2 + e);
    out[at] = centre - radius;
    out[at + 1] = centre + radius;
  } else {
    const q = (a + b + c) / 3;
    const p = Math.sqrt(((a - q) ** 2 + (b - q) ** 2 + (c - q) ** 2 + 2 * (e + f)) / 6);
    const determinant = (a - q) * ((b - q) * (c - q) - f) - e * (c - q);
    const angle = Math.acos(Math.min(1, Math.max(-1, determinant / (2 * p ** 3)))) / 3;
    out[at] = q + 2 * p * Math.cos(angle);
    out[at + 2] = q + 2 * p * Math.cos(angle + (2 * Math.PI) / 3);
    out[at + 1] = 3 * q - out[at] - out[at + 2];
  }
}

/** Q_t(s) by the poles of one step. */
export function idleQ({ weights, shifts }: Readonly<Record<string, ArrayLike<number>>>, s: number): number {
  let q = 0;
  for (let i = 0; i < N_POLES; i++) q += weights[i] / (s + shifts[i]);
  return q;
}

/** Q_t(s) by its sum, until the terms vanish, for every s given: the truth that the poles are tested against. */
export function idleQSums({ lr, beta1 }: Schedule, { wd, beta2, eps, stepCount }: PoleOptions, t: number, s: readonly number[]): number[] {
  const sums = s.map(() => 0);
  let decay = 1;
  let growth = 1;
  for (let j = t, more = true; more && j < lr.length; j++) {
    const T = stepCount + j + 1;
    decay *= beta1[j] / (1 - lr[j] * wd);
    growth /= Math.sqrt(beta2);
    const x = Math.sqrt(biasCorrection(beta2, T)) * growth;
    const a = (lr[j] / biasCorrection(beta1[j], T)) * decay * x;
    more = false;
    for (let i = 0; i < s.length; i++) {
      const term = a / (s[i] + eps * x);
      sums[i] += term;
      more ||= !(Math.abs(term) < 1e-12 * Math.abs(sums[i]));
    }
  }
  return sums;
}

/**
 * Worst error of an idle parameter that is not worth a replay: a few units in the last place of 1 in float32.
 * The error is |m| |dQ|, and |m| <= 2 s: one gradient g gives m = (1 - beta1) g and s = sqrt(1 - beta2) |g|. dQ is what
 * the poles are off by and the rounding of Q itself: where the rate grows fast, Q counts huge steps yet to come, and
 * p - m Q loses p.
 */
const TOLERANCE = 2e-7;
/** The smallest constants for which the poles have been compared with dense Adam over long schedules. */
const TESTED = { beta2: 0.9, eps: 1e-8 };
const FLOAT32_ROUNDING = 2 ** -24;
const PROBED_S = Array.from({ length: 22 }, (_, i) => 10 ** (-8 + i * 0.4));

/**
 * The first step from which the poles may be trusted; rows replay the steps before it. `schedule.lr.length` where they
 * never may: a decay too strong for the recursion, or constants beyond those that the poles are tested with.
 */
export function replayEnd(schedule: Schedule, options: PoleOptions, polesOf: PolesOf): number {
  const nSteps = schedule.lr.length;
  if (options.beta2 < TESTED.beta2 || options.eps < TESTED.eps) return nSteps;
  const fits = (t: number) => {
    const exact = idleQSums(schedule, options, t, PROBED_S);
    const poles = polesOf(t, t + 1);
    return PROBED_S.every((s, i) => 2 * s * (Math.abs(idleQ(poles, s) - exact[i]) + FLOAT32_ROUNDING * exact[i]) <= TOLERANCE);
  };
  const probes = [
    0,
    8,
    16,
    32,
    64,
    96,
    128,
    192,
    256,
    512,
    ...[0.2, 0.3, 0.4, 0.6, 0.8, 0.9, 0.99].map((share) => Math.floor(share * nSteps)),
  ]
    .filter((t) => t < nSteps)
    .sort((a, b) => a - b);
  for (let i = probes.length - 1, end = nSteps; i >= 0; end = probes[i], i--) {
    if (!fits(probes[i])) return end;
  }
  return 0;
}
