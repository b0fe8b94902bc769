import { checkOptions, checkWhole, show } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import type { Id } from '../data/ids.js';
import { readRows, rowOf, rowsOf } from '../model/rows.js';
import type { EmbeddingTables } from '../model/tables.js';
import { excludedOf, type FoldInOptions, type GivenRating, type GivenRows, PSEUDO_COUNT, readGiven, strengthOf } from './given-ratings.js';
import type { PredictOptions } from './predict.js';
import { priorOf } from './prior.js';
import { type Exclude, named, type Recommendation } from './recommend.js';
import { dot, type Prior, solve, solveUser, type UserSolution } from './solve-user.js';
import { topLists } from './top-lists.js';
import { namedItem, NOT_FINITE, type TrainedModel } from './trained-model.js';

/** What a list for a folded-in user may leave out. */
export interface FoldedRecommendOptions {
  /** `'rated'` (default): the items of the ratings given. */
  exclude?: Exclude | undefined;
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

/**
 * Finds the vector and bias of a new user from a handful of ratings, the item tables as they are: no training.
 *
 * The x = (factors, bias) that minimises, for K ratings,
 *
 *     sum_k (range(q[k] . x + itemBias[k]) - rating[k])^2 + l2 sqrt(K + 10) sum_f ((x[f] - mean[f]) / sd[f])^2
 *
 * where q[k] is the rated item's factors followed by 1, and mean and sd are those of the trained users, column by column.
 * The first term is the training loss (`mse`). The second stands for training's decoupled weight decay, whose pull on a
 * row balances, under Adam, mean gradient / root mean square gradient of its ratings: the first grows with K and the
 * second with sqrt(K), hence an L2 term that grows with sqrt(K); the 10 keeps a few ratings from being taken at their word.
 * Solved on the host in float64; `foldInAll` solves many users at once on the device.
 *
 * @throws RangeError if there are no ratings, a rating is not finite or outside the range of predictions, an item is
 *   unknown, or l2 is not positive; TypeError if the model's score is no dot product; DotbiasError if the model is not finite
 */
export async function foldIn(model: TrainedModel, ratings: Iterable<GivenRating>, options: FoldInOptions = {}): Promise<FoldedUser> {
  const l2 = strengthOf(model, options);
  const given = readGiven(model, ratings, options, '');
  const {
    embeddings,
    info: { range },
  } = model;
  const [prior, { vectors, itemBias }] = await Promise.all([priorOf(embeddings), itemVectors(embeddings, given.rows)]);
  const solution = solveUser({
    range,
    prior,
    itemBias,
    l2: l2 * Math.sqrt(given.rows.length + PSEUDO_COUNT),
    rows: vectors,
    ratings: given.ratings,
  });
  if (!solution.x.every(Number.isFinite)) throw new DotbiasError(`The ratings cannot be folded in: ${NOT_FINITE}`);
  return new FoldedUser(model, given, vectors, prior, solution);
}

/** A new user, as `foldIn` found them. It belongs to the item tables of that moment: after more training, fold in again. */
export class FoldedUser {
  /** The user's vector, [nFactors]. */
  readonly factors: Float32Array;
  /** The user's bias; 0 in a model without biases. */
  readonly bias: number;

  /** @internal */
  constructor(
    private readonly model: TrainedModel,
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
   * Predicted ratings of items, [items.length]. An unknown item is read as `#na#`, or refused with `unknown: 'error'`.
   * @throws RangeError for an unknown item with `unknown: 'error'`; DotbiasError for a prediction that is not finite
   */
  async predict(items: ArrayLike<Id>, options: PredictOptions = {}): Promise<Float32Array> {
    checkOptions('predict', options, ['unknown']);
    const { unknown = 'mean' } = options;
    const { range, items: ids } = this.model.info;
    const rows = rowsOf(ids, items, 'item', unknown);
    if (rows.length === 0) return new Float32Array(0);
    const { vectors, itemBias } = await itemVectors(this.model.embeddings, rows);
    const predictions = Float32Array.from(vectors, (vector, k) => range.value(dot(vector, this.solution.x) + itemBias[k]));
    const bad = predictions.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new DotbiasError(`The prediction for item ${show(items[bad])} is not finite: ${NOT_FINITE}`);
    return predictions;
  }

  /** The n items with the highest predicted rating, best first; see `recommend`. */
  async recommend(n = 10, options: FoldedRecommendOptions = {}): Promise<Recommendation[]> {
    checkWhole('n', n);
    checkOptions('recommend', options, ['exclude']);
    const { gpu, layout } = this.model.embeddings;
    const excluded = excludedOf(this.model, options.exclude ?? 'rated', () => this.given.rows);
    const row = new Float32Array(layout.rowStride);
    layout.packRows({ factors: this.factors, biases: [this.bias] }, row);
    return gpu.withScope(async (scope) => {
      const vectors = scope.upload('folded user', row);
      return named(this.model, await topLists(this.model, n, { vectors, rows: [0], excluded }));
    });
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
    } = await itemVectors(model.embeddings, [row]);
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

/** Item rows as the vectors that a user's vector is multiplied with (factors, then 1 with biases), and their biases. */
async function itemVectors(tables: EmbeddingTables, rows: ArrayLike<number>) {
  const { nUsers, nFactors, hasBias } = tables.shape;
  const packed = await readRows(
    tables,
    Array.from(rows, (row) => nUsers + row),
  );
  const { factors, biases } = tables.layout.unpackRows(packed);
  const vectors = Array.from(biases, (_, k) => {
    const vector = new Float64Array(nFactors + (hasBias ? 1 : 0)).fill(1);
    vector.set(factors.subarray(k * nFactors, (k + 1) * nFactors));
    return vector;
  });
  return { vectors, itemBias: Float64Array.from(biases) };
}
