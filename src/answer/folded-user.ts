import { checkChoice, checkOptions, checkWhole, show } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import type { Id } from '../data/ids.js';
import { rowOf, rowsOf } from '../model/rows.js';
import { excludedOf, type GivenRows } from './given-ratings.js';
import type { ItemTable, ItemVectors } from './item-table.js';
import type { PredictOptions } from './predict.js';
import { type Exclude, named, type Recommendation } from './recommend.js';
import { checkBiases } from './similar.js';
import { dot, type Prior, solve, type UserSolution } from './solve-user.js';
import { namedItem, NOT_FINITE, type TrainedModel } from './trained-model.js';

/** What a list for a folded-in user may leave out. */
export interface FoldedRecommendOptions {
  /** `'rated'` (default): the items of the ratings given. */
  exclude?: Exclude | undefined;
  /**
   * True: rank by biases alone, as if the user's factors were zero. It is the list that taste plays no part in, the same for
   * everybody but for what is left out: for comparison. Default false.
   */
  biasOnly?: boolean | undefined;
}

/** What `predict` of a folded-in user does. */
export interface FoldedPredictOptions extends PredictOptions {
  /** True: say too how far off each prediction is likely to be. An unknown item is then refused. Default false. */
  sd?: boolean | undefined;
}

/** Predicted ratings, and how far off they are likely to be, [items.length] each. */
export interface PredictionsWithSd {
  predictions: Float32Array;
  /** Standard deviation of the rating about its prediction, in the unit of the ratings. */
  sd: Float32Array;
}

/** How much one given rating adds to the score of an item. */
export interface Contribution {
  item: Id;
  title?: string | undefined;
  /** The rating given. */
  rating: number;
  /** Its part of the item's raw score z; negative if it speaks against the item. */
  contribution: number;
}

const UNKNOWN_SD = 'nothing is known of how far off the prediction of an item is that training never saw.';
const NO_ITEMS: ItemVectors = { vectors: [], itemBias: new Float64Array(0) };

/**
 * A new user, as `foldIn` or a `UserFolder` found them. They belong to the items of that moment. After more training, fold in
 * again: one of `foldIn` meets the items that are on the device by then, one of a `UserFolder` keeps its own.
 */
export class FoldedUser {
  /** The user's vector, [nFactors]. */
  readonly factors: Float32Array;
  /** The user's bias; 0 in a model without biases. */
  readonly bias: number;

  /** @internal */
  constructor(
    private readonly model: TrainedModel,
    private readonly items: ItemTable,
    private readonly given: GivenRows,
    private readonly vectors: readonly Float64Array[],
    private readonly prior: Prior,
    private readonly solution: UserSolution,
  ) {
    const { nFactors, hasBias } = model.embeddings.shape;
    this.factors = Float32Array.from(solution.x.subarray(0, nFactors));
    this.bias = hasBias ? Math.fround(solution.x[nFactors]) : 0;
  }

  /**
   * As the other form, with the standard deviation of each rating about its prediction; see `deviations` for what it counts in.
   * @throws RangeError for an unknown item; DotbiasError if the model does not know how far off its predictions are: it was trained
   *   without validation ratings, was saved by version 0.1.0, or was imported
   */
  async predict(items: ArrayLike<Id>, options: FoldedPredictOptions & { sd: true }): Promise<PredictionsWithSd>;
  /**
   * Predicted ratings of items, [items.length]. An unknown item is read as `#na#`, or refused with `unknown: 'error'`.
   * @throws RangeError for an unknown item with `unknown: 'error'`; DotbiasError for a prediction that is not finite
   */
  async predict(items: ArrayLike<Id>, options?: FoldedPredictOptions & { sd?: false | undefined }): Promise<Float32Array>;
  async predict(items: ArrayLike<Id>, options: FoldedPredictOptions = {}): Promise<Float32Array | PredictionsWithSd> {
    checkOptions('predict', options, ['unknown', 'sd']);
    const { sd = false, unknown = sd ? 'error' : 'mean' } = options;
    checkChoice('sd', sd, [true, false]);
    if (sd && unknown !== 'error') throw new RangeError(`With sd, unknown must be 'error', not ${show(unknown)}: ${UNKNOWN_SD}`);
    const { range, items: ids } = this.model.info;
    const rows = rowsOf(ids, items, 'item', unknown);
    const { vectors, itemBias } = rows.length === 0 ? NO_ITEMS : await this.items.vectors(rows);
    const z = Float64Array.from(vectors, (vector, k) => dot(vector, this.solution.x) + itemBias[k]);
    const predictions = Float32Array.from(z, range.value);
    const bad = predictions.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new DotbiasError(`The prediction for item ${show(items[bad])} is not finite: ${NOT_FINITE}`);
    if (!sd) return predictions;
    // Read on demand: most predictions are asked for without.
    const { deviations } = await import('./deviations.js');
    return { predictions, sd: await deviations(this.model, this.prior, this.vectors, this.solution.slope, vectors, z.map(range.grad)) };
  }

  /**
   * The n items with the highest predicted rating, best first; see `recommend`.
   * @throws TypeError for `biasOnly` in a model without biases; otherwise as `recommend`
   */
  async recommend(n = 10, options: FoldedRecommendOptions = {}): Promise<Recommendation[]> {
    checkWhole('n', n);
    checkOptions('recommend', options, ['exclude', 'biasOnly']);
    const { exclude = 'rated', biasOnly = false } = options;
    checkChoice('biasOnly', biasOnly, [true, false]);
    const { model, given, solution } = this;
    const excluded = excludedOf(model, exclude, () => given.rows)(0);
    const x = solution.x.slice();
    if (biasOnly) {
      checkBiases(model);
      x.fill(0, 0, -1);
    }
    return named(model, await this.items.best(n, x, excluded));
  }

  /**
   * Why this item: the given ratings by how much each adds to its raw score, most first ("because you rated ...").
   *
   * At the minimum the score is a weighted sum over the given ratings k, exactly (up to rounding):
   *
   *     z(item) - z0(item) = sum_k c[k] w[k],   c[k] = slope[k] q(item) . H^-1 q[k],   H = Q' S^2 Q + l2 sqrt(K + 10) diag(1 / sd^2),
   *     w[k] = rating[k] - yHat[k] + slope[k] (z[k] - z0[k])
   *
   * z0 being the score that a user without ratings gets (x = mean) and slope = dyHat/dz. c[k] says how similar the two items
   * are to this user, w[k] how far the rating lies from what a user without ratings would give. These are the fixed
   * points of the Gauss-Newton step; compare Hu, Koren and Volinsky (2008), section 5.
   *
   * @param n the most contributions to return. Default: all
   * @throws RangeError for an item that training never saw, or if n is not a whole number of at least 1
   */
  async because(item: Id, n = this.given.rows.length): Promise<Contribution[]> {
    checkWhole('n', n);
    const { model, given, vectors } = this;
    const { sd } = this.prior;
    const { cholesky, slope, yHat, z, priorZ } = this.solution;
    const row = rowOf(model.info.items, item, 'item', 'error');
    const {
      vectors: [target],
    } = await this.items.vectors([row]);
    const scaled = target.map((q, f) => q * sd[f]);
    const direction = solve(cholesky, scaled).map((value, f) => value * sd[f]);
    return Array.from(given.rows)
      .map((each, k) => {
        const weight = given.ratings[k] - yHat[k] + slope[k] * (z[k] - priorZ[k]);
        return { ...namedItem(model, each), rating: given.ratings[k], contribution: slope[k] * dot(direction, vectors[k]) * weight };
      })
      .sort((a, b) => b.contribution - a.contribution)
      .slice(0, n);
  }
}
