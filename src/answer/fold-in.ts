import { DotbiasError } from '../base/errors.js';
import { FoldedUser } from './folded-user.js';
import { type FoldInOptions, type GivenRating, type GivenRows, PSEUDO_COUNT, readGiven, strengthOf } from './given-ratings.js';
import { type ItemTable, itemsOnDevice, type ItemVectors } from './item-table.js';
import { priorOf } from './prior.js';
import { type Prior, solveUser } from './solve-user.js';
import { NOT_FINITE, type TrainedModel } from './trained-model.js';

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
 * Solved on the host in float64; `foldInAll` solves many users at once on the device, and a `UserFolder` reads nothing for each.
 *
 * @throws RangeError if there are no ratings, a rating is not finite or outside the range of predictions, an item is
 *   unknown, or l2 is not positive; TypeError if the model's score is no dot product; DotbiasError if the model is not finite
 */
export async function foldIn(model: TrainedModel, ratings: Iterable<GivenRating>, options: FoldInOptions = {}): Promise<FoldedUser> {
  const l2 = strengthOf(model, options);
  const given = readGiven(model, ratings, options, '');
  const items = itemsOnDevice(model);
  const [prior, rated] = await Promise.all([priorOf(model.embeddings), items.vectors(given.rows)]);
  return foldedUser(model, items, given, rated, prior, l2);
}

/** Solves for a user whose ratings, with the items rated, and whose prior are on the host. */
export function foldedUser(
  model: TrainedModel,
  items: ItemTable,
  given: GivenRows,
  { vectors, itemBias }: ItemVectors,
  prior: Prior,
  l2: number,
): FoldedUser {
  const solution = solveUser({
    range: model.info.range,
    prior,
    itemBias,
    l2: l2 * Math.sqrt(given.rows.length + PSEUDO_COUNT),
    rows: vectors,
    ratings: given.ratings,
  });
  if (!solution.x.every(Number.isFinite)) throw new DotbiasError(`The ratings cannot be folded in: ${NOT_FINITE}`);
  return new FoldedUser(model, items, given, vectors, prior, solution);
}
