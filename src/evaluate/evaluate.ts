/** How well a recipe does under a protocol: one trial per fold, all on one device. */
import { collabLearner } from '../train/make-learner.js';
import { checkOptions, checkWhole } from '../base/check.js';
import type { CollabData } from '../data/collab-data.js';
import { unknownNotes } from '../data/notes.js';
import type { Fold } from '../data/protocols.js';
import type { Gpu } from '../gpu/gpu.js';
import { type CollabLearner } from '../train/learner.js';
import type { LearnerOptions } from '../train/options.js';
import { meanOf, meanPrediction, memberSeed } from './ensemble.js';
import { predictFoldedUsers } from './folded-users.js';
import { mae, mse, r2 } from './metrics.js';
import { checkRanking, rankingJudge, type RankingOptions, type RankingScores } from './ranking.js';

export { memberSeed } from './ensemble.js';
export type { RankingOptions, RankingScores } from './ranking.js';

/** Options of `collabLearner` that a recipe may give. */
export type RecipeOptions = Omit<LearnerOptions, 'gpu' | 'seed'>;

/** How the models to be judged are trained. */
export interface Recipe {
  /** Ratings per training step. Default 64, or all of a fold's training ratings if they are fewer. */
  batchSize?: number | undefined;
  /** Options of `collabLearner`, or what gives them for the data of a fold; without the seed: that is the fold's. Default: none. */
  learner?: RecipeOptions | ((data: CollabData) => RecipeOptions) | undefined;
  /**
   * Trains a learner of one fold. Its `data.valid` are the ratings by which it is judged: a callback that monitors them,
   * to stop early or to keep the best epoch, makes the result look better than it is.
   */
  fit(learn: CollabLearner): Promise<unknown>;
  /** Models trained on each fold, with different seeds; the mean of their predictions is judged. Default 1. */
  ensemble?: number | undefined;
}

/** Arguments of `evaluate`. */
export interface EvaluateOptions {
  /** The device on which all models are trained. */
  gpu: Gpu;
  /** How to judge lists of recommendations too. Default: they are not judged. */
  ranking?: RankingOptions | undefined;
  /** Called after each fold with its result, the number of folds done, and the number of all folds. */
  onFold?: ((result: FoldResult, done: number, of: number) => void) | undefined;
  /** Stops before the next model, with the results so far. A fit that is running can be stopped by the recipe only. */
  signal?: AbortSignal | undefined;
}

/**
 * Errors of the predictions of test ratings, and, if asked for, scores of rankings. For these, each user who has training
 * ratings and a relevant test item gets a list of the k items predicted highest, of all that training knows and the user
 * did not rate in training. Relevant items that training does not know count as missed. `coverage` is the share of the
 * items known to training that are in some list. See `metrics` for the formulas.
 */
export interface Scores extends Partial<RankingScores> {
  /** Mean squared error. */
  mse: number;
  /** Root mean squared error, in the unit of the ratings. */
  rmse: number;
  /** Mean absolute error, in the unit of the ratings. */
  mae: number;
  /** Coefficient of determination; NaN if all test ratings are equal. */
  r2: number;
}

/** Scores of one fold. */
export interface FoldResult extends Scores {
  /** Name of the fold. */
  fold: string;
  /** Seed of the fold. */
  seed: number;
  /** Number of training ratings. */
  nTrain: number;
  /** Number of test ratings. */
  nValid: number;
  /** Between which the predictions lie; null if they may be any number. */
  yRange: readonly [lo: number, hi: number] | null;
  /** What should be known of the ratings before the scores are read, see `CollabLearner.notes`. */
  notes: readonly string[];
  /** Time of training and judging. */
  seconds: number;
}

/** What `evaluate` found: the scores of each fold, and their mean and standard deviation over the folds. */
export interface Evaluation {
  folds: FoldResult[];
  mean: Scores;
  /** Sample standard deviation (n - 1) over the folds; NaN for one fold. */
  sd: Scores;
  /** Time of all folds. */
  seconds: number;
}

/**
 * Trains and judges one model, or one ensemble, per fold. Kernels are compiled once, and the buffers of each fold are
 * released after it.
 *
 * @param folds of a protocol such as `kFold`
 * @throws RangeError without folds, for an option out of range, and where there is nothing to rank; TypeError for an option
 *   that does not exist; whatever training throws
 */
export async function evaluate(folds: readonly Fold[], recipe: Recipe, options: EvaluateOptions): Promise<Evaluation> {
  checkArguments(folds, recipe, options);
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

function checkArguments(folds: readonly Fold[], recipe: Recipe, options: EvaluateOptions): void {
  checkOptions('evaluate', options, ['gpu', 'ranking', 'onFold', 'signal']);
  checkOptions('The recipe of evaluate', recipe, ['batchSize', 'learner', 'fit', 'ensemble']);
  if (recipe.ensemble !== undefined) checkWhole('ensemble', recipe.ensemble);
  if (recipe.batchSize !== undefined) checkWhole('batchSize', recipe.batchSize);
  if (folds.length === 0) throw new RangeError('There are no folds to evaluate on.');
  const { batchSize = 1 } = recipe;
  for (const { name, nTrain = Infinity } of folds) {
    if (batchSize <= nTrain) continue;
    throw new RangeError(`batchSize ${batchSize} is larger than the ${nTrain} training ratings of ${name}; use at most ${nTrain}.`);
  }
  if (options.ranking === undefined) return;
  checkRanking(options.ranking);
  if (folds.some((fold) => fold.foldedUsers)) {
    throw new RangeError('Rankings for users whom training does not know are not judged; leave the ranking out, or use another protocol.');
  }
}

/** The notes of a learner; users who are folded in are unknown on purpose. */
export function foldNotes({ data, notes }: CollabLearner, fold: Fold): string[] {
  const expected = new Set(fold.foldedUsers ? unknownNotes(data) : []);
  return notes.filter((note) => !expected.has(note));
}

/** Undefined if the signal stopped it. */
async function evaluateFold(fold: Fold, recipe: Recipe, { gpu, ranking, signal }: EvaluateOptions): Promise<FoldResult | undefined> {
  const { batchSize, ensemble = 1 } = recipe;
  const started = performance.now();
  const data = fold.data({ batchSize });
  if (data.nValid === 0) throw new RangeError(`The test set of ${fold.name} is empty, so that nothing can be judged by it.`);
  const learner = typeof recipe.learner === 'function' ? recipe.learner(data) : recipe.learner;
  const judgeRanking = ranking && rankingJudge(data, ranking);
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
    return {
      fold: fold.name,
      seed: fold.seed,
      nTrain: data.nTrain,
      nValid: data.nValid,
      yRange: members[0].yRange,
      notes: foldNotes(members[0], fold),
      mse: error,
      rmse: Math.sqrt(error),
      mae: mae(yHat, ratings),
      r2: ratings.every((y) => y === ratings[0]) ? NaN : r2(yHat, ratings),
      ...(await judgeRanking?.(members)),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    for (const learn of members) learn.release();
  }
}

/** Names of all scores. */
export const SCORES = ['mse', 'rmse', 'mae', 'r2', 'precision', 'recall', 'ndcg', 'map', 'coverage'] as const;

/** Mean and sample standard deviation of each score that all results have; NaN where there are no results. */
export function meanAndSd(results: readonly Scores[]): { mean: Scores; sd: Scores } {
  const mean: Partial<Scores> = {};
  const sd: Partial<Scores> = {};
  for (const name of SCORES) {
    const values = results.map((result) => result[name]!);
    if (values.some((value) => value === undefined)) continue;
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    mean[name] = average;
    const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
    sd[name] = values.length < 2 ? NaN : Math.sqrt(squares / (values.length - 1));
  }
  return { mean, sd } as { mean: Scores; sd: Scores };
}
