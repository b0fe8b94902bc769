/** How well a recipe does under a protocol: one trial per fold, all on one device. */
import { sigmoidRange } from '../../shaders/ops/range.js';
import type { CollabData, Id } from '../data/collab-data.js';
import { foldInAll, type GivenRating } from '../answer/fold-in.js';
import type { Gpu } from '../gpu/gpu.js';
import { type CollabLearner, collabLearner, type LearnerOptions } from '../train/learner.js';
import {
  averagePrecisionAtK,
  catalogueCoverage,
  mae,
  meanOverUsers,
  mse,
  ndcgAtK,
  precisionAtK,
  r2,
  recallAtK,
  type UserRanking,
} from './metrics.js';
import type { Fold } from '../data/protocols.js';

/** What is judged. */
export interface Recipe {
  /** Default 64. */
  batchSize?: number;
  /** As for `collabLearner`; the seed is the fold's. */
  learner?: Omit<LearnerOptions, 'gpu' | 'seed'>;
  /**
   * Trains a learner of one fold. Its `data.valid` are the ratings that it will be judged by: a callback that monitors
   * them, to stop early or to keep the best epoch, makes the result too good.
   */
  fit(learn: CollabLearner): Promise<unknown>;
  /**
   * Models trained for each fold, with different seeds; the mean of their predictions is judged. Default 1.
   */
  ensemble?: number;
}

/** How lists of recommendations are judged. */
export interface RankingOptions {
  /** Length of the lists. Default 10. */
  k?: number;
  /** A test rating of at least this makes an item relevant. Default 4. */
  threshold?: number;
}

/** Arguments of `evaluate`. */
export interface EvaluateOptions {
  gpu: Gpu;
  /** Judge lists of recommendations too. Default: no. */
  ranking?: RankingOptions;
  /** After each fold. */
  onFold?: (result: FoldResult, done: number, of: number) => void;
  /** Stops before the next model, with the results so far. A fit under way is the recipe's to stop. */
  signal?: AbortSignal;
}

/**
 * Errors of predictions; and, if asked for, of rankings: each user who has training ratings and a relevant test item gets
 * a list of the k items predicted highest of all that training knows and the user has not rated there. Relevant items
 * that training does not know count as missed. `coverage` is the share of the items known that are in some list.
 */
export interface Scores {
  mse: number;
  rmse: number;
  mae: number;
  /** NaN if all test ratings are equal. */
  r2: number;
  precision?: number;
  recall?: number;
  ndcg?: number;
  map?: number;
  coverage?: number;
}

/** Scores of one fold. */
export interface FoldResult extends Scores {
  fold: string;
  seed: number;
  nTrain: number;
  nValid: number;
  seconds: number;
}

/** What `evaluate` found: each fold, and mean and standard deviation over them. */
export interface Evaluation {
  folds: FoldResult[];
  mean: Scores;
  /** Sample standard deviation over the folds; NaN for one fold. */
  sd: Scores;
  seconds: number;
}

/**
 * Trains and judges one model, or one ensemble, per fold. Kernels are compiled once, and each fold's buffers released.
 *
 * @throws RangeError for a wrong option or without folds; what training throws
 */
export async function evaluate(folds: readonly Fold[], recipe: Recipe, options: EvaluateOptions): Promise<Evaluation> {
  const { ensemble = 1 } = recipe;
  if (folds.length === 0) throw new RangeError('There are no folds to evaluate on.');
  if (!Number.isSafeInteger(ensemble) || ensemble < 1)
    throw new RangeError(`ensemble must be a whole number of at least 1, not ${ensemble}.`);
  if (options.ranking && folds.some((fold) => fold.foldedUsers))
    throw new RangeError('Rankings for users whom training does not know are not judged; leave the ranking out, or use another protocol.');
  const started = performance.now();
  const results: FoldResult[] = [];
  for (const fold of folds) {
    const result = await evaluateFold(fold, recipe, options);
    if (result === undefined) break;
    results.push(result);
    options.onFold?.(result, results.length, folds.length);
  }
  return { folds: results, ...meanAndSd(results), seconds: (performance.now() - started) / 1000 };
}

async function evaluateFold(fold: Fold, recipe: Recipe, { gpu, ranking, signal }: EvaluateOptions): Promise<FoldResult | undefined> {
  const { batchSize = 64, learner, ensemble = 1 } = recipe;
  const started = performance.now();
  const data = fold.data({ batchSize });
  const members: CollabLearner[] = [];
  try {
    for (let member = 0; member < ensemble; member++) {
      if (signal?.aborted) return undefined;
      const learn = await collabLearner(data, { ...learner, gpu, seed: memberSeed(fold.seed, member) });
      members.push(learn);
      await recipe.fit(learn);
    }
    if (signal?.aborted) return undefined;
    const { users, items, ratings } = data.valid;
    const foldedUsers = fold.foldedUsers?.();
    const yHat = foldedUsers
      ? await meanOf(members, (learn) => predictFoldedUsers(learn, foldedUsers))
      : await meanPrediction(members, users, items);
    const error = mse(yHat, ratings);
    const ranks = ranking && (await rankingScores(data, members, ranking));
    return {
      fold: fold.name,
      seed: fold.seed,
      nTrain: data.nTrain,
      nValid: data.nValid,
      mse: error,
      rmse: Math.sqrt(error),
      mae: mae(yHat, ratings),
      r2: ratings.every((y) => y === ratings[0]) ? NaN : r2(yHat, ratings),
      ...ranks,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    for (const learn of members) learn.release();
  }
}

/** Seed of a member of an ensemble: the first has the fold's, the others far from those of other folds. */
export function memberSeed(seed: number, member: number): number {
  return (seed + Math.imul(member, 0x9e3779b1)) >>> 0;
}

function meanPrediction(members: readonly CollabLearner[], users: ArrayLike<number>, items: ArrayLike<number>): Promise<Float64Array> {
  return meanOf(members, (learn) => learn.predictRows(users, items));
}

async function meanOf(members: readonly CollabLearner[], predict: (learn: CollabLearner) => Promise<Float32Array>): Promise<Float64Array> {
  const predictions: Float32Array[] = [];
  for (const learn of members) predictions.push(await predict(learn));
  return Float64Array.from(predictions[0], (_, k) => predictions.reduce((sum, yHat) => sum + yHat[k], 0) / members.length);
}

/** Folds new users in and predicts their test ratings; a user who gave no rating of a known item is read as `#na#`. */
async function predictFoldedUsers(
  learn: CollabLearner,
  { given, test }: ReturnType<NonNullable<Fold['foldedUsers']>>,
): Promise<Float32Array> {
  const { items } = learn.info;
  const { nFactors } = learn.embeddings.shape;
  const givenBy = new Map<Id, GivenRating[]>();
  for (let k = 0; k < given.ratings.length; k++) {
    if (!items.has(given.items[k])) continue;
    const own = givenBy.get(given.users[k]);
    if (own) own.push([given.items[k], given.ratings[k]]);
    else givenBy.set(given.users[k], [[given.items[k], given.ratings[k]]]);
  }
  const folded = await foldInAll(learn, givenBy.values());
  const placeOf = new Map([...givenBy.keys()].map((user, place) => [user, place]));
  const { userFactors, userBias, itemFactors, itemBias } = await learn.tables();
  const range = sigmoidRange(learn.yRange);
  return Float32Array.from(test.ratings, (_, k) => {
    const place = placeOf.get(test.users[k]);
    const [factors, bias, from] =
      place === undefined ? [userFactors, userBias[0], 0] : [folded.factors, folded.biases[place], place * nFactors];
    const item = items.indexOf(test.items[k]);
    let z = bias + itemBias[item];
    for (let f = 0; f < nFactors; f++) z += factors[from + f] * itemFactors[item * nFactors + f];
    return range.value(z);
  });
}

/** Pairs predicted at once for rankings. */
const PAIRS_PER_BLOCK = 1 << 20;

async function rankingScores(data: CollabData, members: readonly CollabLearner[], { k = 10, threshold = 4 }: RankingOptions) {
  const { nItems } = data;
  const rated = itemsByUser(data.nUsers, data.train.users, data.train.items);
  const relevant = relevantItems(data, rated, threshold);
  const users = [...relevant.keys()].sort((a, b) => a - b);
  if (users.length === 0)
    throw new RangeError(
      `No test rating of a user and an item is ${threshold} or more, so rankings cannot be judged; lower the threshold.`,
    );
  const rankings: UserRanking[] = [];
  const perBlock = Math.max(1, Math.floor(PAIRS_PER_BLOCK / nItems));
  for (let first = 0; first < users.length; first += perBlock) {
    const block = users.slice(first, first + perBlock);
    const userRows = new Uint32Array(block.length * nItems);
    const itemRows = new Uint32Array(block.length * nItems);
    block.forEach((user, b) => {
      userRows.fill(user, b * nItems, (b + 1) * nItems);
      for (let item = 0; item < nItems; item++) itemRows[b * nItems + item] = item;
    });
    const scores = await meanPrediction(members, userRows, itemRows);
    block.forEach((user, b) => {
      const own = scores.subarray(b * nItems, (b + 1) * nItems);
      own[0] = -Infinity; // #na#
      for (const item of rated[user]) own[item] = -Infinity;
      rankings.push({ ranked: topK(own, k), relevant: relevant.get(user)! });
    });
  }
  return {
    precision: meanOverUsers(precisionAtK, rankings, k),
    recall: meanOverUsers(recallAtK, rankings, k),
    ndcg: meanOverUsers(ndcgAtK, rankings, k),
    map: meanOverUsers(averagePrecisionAtK, rankings, k),
    coverage: catalogueCoverage(
      rankings.map(({ ranked }) => ranked),
      nItems - 1,
      k,
    ),
  };
}

function itemsByUser(nUsers: number, users: Uint32Array, items: Uint32Array): Set<number>[] {
  const sets = Array.from({ length: nUsers }, () => new Set<number>());
  for (let k = 0; k < users.length; k++) sets[users[k]].add(items[k]);
  return sets;
}

/** Relevant test items of each user whom training knows; those that it does not know are given numbers beyond the table. */
function relevantItems(
  { valid: { users, items, ratings }, nItems }: CollabData,
  rated: readonly Set<number>[],
  threshold: number,
): Map<number, Set<number>> {
  const relevant = new Map<number, Set<number>>();
  for (let k = 0; k < users.length; k++) {
    const user = users[k];
    if (user === 0 || ratings[k] < threshold || rated[user].has(items[k])) continue;
    const own = relevant.get(user) ?? new Set();
    relevant.set(user, own.add(items[k] || nItems + k));
  }
  return relevant;
}

/** Indices of the k largest finite scores, largest first; of equal ones the lower index first. */
function topK(scores: Float64Array, k: number): number[] {
  const top: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] === -Infinity || (top.length === k && !(scores[i] > scores[top[k - 1]]))) continue;
    let at = Math.min(top.length, k - 1);
    for (; at > 0 && scores[i] > scores[top[at - 1]]; at--) top[at] = top[at - 1];
    top[at] = i;
  }
  return top;
}

const SCORES = ['mse', 'rmse', 'mae', 'r2', 'precision', 'recall', 'ndcg', 'map', 'coverage'] as const;

/** Mean and sample standard deviation of each score that the results have. */
export function meanAndSd(results: readonly Scores[]): { mean: Scores; sd: Scores } {
  const mean: Partial<Scores> = {};
  const sd: Partial<Scores> = {};
  for (const name of SCORES) {
    const values = results.map((result) => result[name]!);
    if (values.some((value) => value === undefined)) continue;
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    mean[name] = average;
    sd[name] = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / (values.length - 1));
  }
  return { mean, sd } as { mean: Scores; sd: Scores };
}
