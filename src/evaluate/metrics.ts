/**
 * How good predictions are, on the host in float64. The metrics of rankings are in ranking-metrics.ts; both together are
 * the namespace `metrics`.
 */
export * from './ranking-metrics.js';

/**
 * Mean squared error, (1/n) sum (yHat - y)^2.
 *
 * @param yHat predictions, [n]
 * @param y targets, [n]
 * @throws RangeError if n is 0 or the lengths differ
 */
export function mse(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  return meanOfErrors(yHat, y, (error) => error * error);
}

/** Root mean squared error, sqrt(mse). Arguments and errors as for `mse`. */
export function rmse(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  return Math.sqrt(mse(yHat, y));
}

/** Mean absolute error, (1/n) sum |yHat - y|. Arguments and errors as for `mse`. */
export function mae(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  return meanOfErrors(yHat, y, Math.abs);
}

/**
 * Coefficient of determination, 1 - sum (y - yHat)^2 / sum (y - mean y)^2: 1 is perfect, 0 is no better than always
 * predicting the mean target. Arguments as for `mse`.
 *
 * @throws RangeError as `mse`, and if all targets are equal, where the ratio is undefined
 */
export function r2(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  const residual = mse(yHat, y);
  const targets = Float64Array.from(y);
  if (targets.every((target) => target === targets[0])) {
    throw new RangeError(`R2 is undefined: all ${y.length} targets equal ${y[0]}.`);
  }
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  const spread = targets.reduce((sum, target) => sum + (target - mean) ** 2, 0) / targets.length;
  return 1 - residual / spread;
}

function meanOfErrors(yHat: ArrayLike<number>, y: ArrayLike<number>, cost: (error: number) => number): number {
  if (yHat.length !== y.length) {
    throw new RangeError(`There must be as many predictions as targets, not ${yHat.length} and ${y.length}.`);
  }
  if (y.length === 0) throw new RangeError('There are no predictions to evaluate.');
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += cost(yHat[i] - y[i]);
  return sum / y.length;
}
