import type { RangeOp } from '../../shaders/ops/range.js';

/** A Gaussian over user vectors: the mean and the standard deviation of each column (factors, then the bias if any). */
export interface Prior {
  readonly mean: Float64Array;
  readonly sd: Float64Array;
}

/** One user's ratings and the items rated. */
export interface UserProblem {
  readonly range: RangeOp;
  readonly prior: Prior;
  /** Strength of the prior. */
  readonly l2: number;
  /** Per rating k, the vector q[k] that the user's vector is multiplied with: the item's factors, then 1 if the model has biases. */
  readonly rows: readonly Float64Array[];
  /** Per rating, the item's bias. */
  readonly itemBias: ArrayLike<number>;
  readonly ratings: ArrayLike<number>;
}

/** A minimum of the fold-in objective, and its surroundings. */
export interface UserSolution {
  /** The user's vector, factors and then the bias if any. */
  readonly x: Float64Array;
  /** Per rating: prediction, slope dyHat/dz, and raw score under the prior's mean and under x. */
  readonly yHat: Float64Array;
  readonly slope: Float64Array;
  readonly priorZ: Float64Array;
  readonly z: Float64Array;
  /** `hessianFactor` at x. */
  readonly cholesky: Float64Array;
}

const MAX_ITERATIONS = 50;
const MAX_HALVINGS = 30;

/**
 * The specification of fold-in: the x that minimises
 *
 *     J(x) = sum_k (range(q[k] . x + itemBias[k]) - y[k])^2 + l2 sum_f ((x[f] - mean[f]) / sd[f])^2
 *
 * by Gauss-Newton steps with halving, in float64, from the mean until the step vanishes. Unknowns are scaled,
 * x = mean + D t, which makes the second term l2 |t|^2 and pins a column whose sd is 0.
 */
export function solveUser({ range, prior: { mean, sd }, l2, rows, itemBias, ratings }: UserProblem): UserSolution {
  const n = mean.length;
  const scaled = rows.map((row) => row.map((q, f) => q * sd[f]));
  const priorZ = Float64Array.from(rows, (row, k) => dot(row, mean) + itemBias[k]);
  let t = new Float64Array(n);
  let state = evaluate(t);
  let cholesky = hessianFactor(scaled, state.slope, l2);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const downhill = t.map((value) => -l2 * value);
    scaled.forEach((row, k) => addScaled(downhill, state.slope[k] * (ratings[k] - state.yHat[k]), row));
    const step = solve(cholesky, downhill);
    let trial = t.map((value, f) => value + step[f]);
    let next = evaluate(trial);
    for (let halving = 0; next.cost > state.cost && halving < MAX_HALVINGS; halving++) {
      trial = trial.map((value, f) => (value + t[f]) / 2);
      next = evaluate(trial);
    }
    if (next.cost > state.cost) break;
    const moved = Math.max(...trial.map((value, f) => Math.abs(value - t[f])));
    t = trial;
    state = next;
    cholesky = hessianFactor(scaled, state.slope, l2);
    if (moved < 1e-10) break;
  }
  return { x: t.map((value, f) => mean[f] + sd[f] * value), ...state, priorZ, cholesky };

  function evaluate(at: Float64Array) {
    const z = Float64Array.from(scaled, (row, k) => dot(row, at) + priorZ[k]);
    const yHat = z.map(range.value);
    const cost = yHat.reduce((sum, value, k) => sum + (value - ratings[k]) ** 2, l2 * dot(at, at));
    return { z, yHat, slope: z.map(range.grad), cost };
  }
}

/**
 * The lower Cholesky factor, row-major, of the Gauss-Newton Hessian D Q' S^2 Q D + l2 I of J(x) / 2, in the unknowns t with
 * x = mean + D t, where D = diag(sd) and S = diag(slope).
 *
 * @param scaled the rows D q[k], at least one
 */
export function hessianFactor(scaled: readonly Float64Array[], slope: Float64Array, l2: number): Float64Array {
  const n = scaled[0].length;
  const matrix = new Float64Array(n * n);
  for (let f = 0; f < n; f++) matrix[f * n + f] = l2;
  for (let k = 0; k < scaled.length; k++) {
    const row = scaled[k];
    for (let i = 0; i < n; i++) {
      const s = slope[k] ** 2 * row[i];
      for (let j = 0; j <= i; j++) matrix[i * n + j] += s * row[j];
    }
  }
  return choleskyInPlace(matrix, n);
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let f = 0; f < a.length; f++) sum += a[f] * b[f];
  return sum;
}

function addScaled(to: Float64Array, factor: number, row: Float64Array): void {
  for (let f = 0; f < to.length; f++) to[f] += factor * row[f];
}

/** Replaces the lower triangle of a positive definite matrix by L with L L' = matrix. */
function choleskyInPlace(matrix: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k] * matrix[j * n + k];
      matrix[i * n + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * n + j];
    }
  }
  return matrix;
}

/** The solution of L L' x = b. */
export function solve(cholesky: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= cholesky[i * n + k] * x[k];
    x[i] /= cholesky[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= cholesky[k * n + i] * x[k];
    x[i] /= cholesky[i * n + i];
  }
  return x;
}
