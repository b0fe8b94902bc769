import { DotbiasError } from '../base/errors.js';
import { dot, hessianFactor, type Prior, solve } from './solve-user.js';
import type { TrainedModel } from './trained-model.js';

/**
 * The standard deviations of a folded-in user's ratings of items about their predictions, [vectors.length]:
 *
 *     sd(item)^2 = v + slope(item)^2 q(item) . C q(item),   C = (Q' S^2 Q / v + diag(1 / sd^2))^-1
 *
 * The first term is how far ratings scatter about predictions, v = `residualVariance`; the second is what is not known of the
 * user. C is the covariance of the user's vector given the ratings: Laplace's approximation with the Gauss-Newton Hessian at the
 * solution, for ratings with the variance v about their predictions and users who are spread as the trained ones are (MacKay 1992,
 * "A practical Bayesian framework for backpropagation networks"; Bishop 2006, equation 5.173). slope = dyHat/dz carries it through
 * the range.
 *
 * It is the Hessian of the solver, but for the strength of the prior: in place of l2 sqrt(K + 10), which is chosen for the best
 * predictions and is weaker, stands v, the strength with which the spread of users is the prior that it is. v is the error on ratings
 * that were not trained on: on those that were it is half as large on MovieLens-100K. What is not known of the items is not
 * counted in; docs/confidence.md has what share of held-out ratings lies within one and two of these deviations.
 *
 * @param given the vectors q[k] of the items rated
 * @param givenSlope their slopes at the solution
 * @param vectors of the items asked for
 * @param slope theirs
 * @throws DotbiasError if the model does not know its residual variance
 */
export async function deviations(
  model: TrainedModel,
  { sd }: Prior,
  given: readonly Float64Array[],
  givenSlope: Float64Array,
  vectors: readonly Float64Array[],
  slope: Float64Array,
): Promise<Float32Array> {
  const v = await model.residualVariance();
  if (v === undefined) {
    throw new DotbiasError(
      'This model does not know how far off its predictions are, so that there is no sd: train it with ratings held out for validation.',
    );
  }
  const scale = (q: Float64Array) => q.map((value, f) => value * sd[f]);
  const cholesky = hessianFactor(given.map(scale), givenSlope, v);
  return Float32Array.from(vectors, (vector, k) => {
    const q = scale(vector);
    return Math.sqrt(v * (1 + slope[k] ** 2 * dot(q, solve(cholesky, q))));
  });
}
