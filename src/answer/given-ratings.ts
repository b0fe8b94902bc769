import { checkChoice, checkOptions, checkPositive, show } from '../base/check.js';
import type { Id } from '../data/ids.js';
import { rowOf } from '../model/rows.js';
import { type Exclude, excludedRows } from './recommend.js';
import type { TrainedModel } from './trained-model.js';

/** A rating that a new user gives. */
export type GivenRating = readonly [item: Id, rating: number];

/** How ratings are weighed and read. */
export interface FoldInOptions {
  /**
   * How strongly the user is drawn to the mean of the trained users, against one rating; see `foldIn`. Default: 1/500 of
   * the squared width of `yRange` (chosen on MovieLens-100K), or 0.06 without a range, which suits ratings of one to five.
   */
  l2?: number | undefined;
  /** A rated item that training never saw: `'error'` (default) refuses it, `'skip'` leaves it out. */
  unknown?: 'error' | 'skip' | undefined;
}

/** Ratings of one user by item row. */
export interface GivenRows {
  rows: Uint32Array;
  ratings: Float64Array;
}

/** The 10 in the objective of `foldIn`. */
export const PSEUDO_COUNT = 10;

/**
 * The strength of the prior.
 * @throws TypeError for a model whose score is no dot product, or an unknown option; RangeError for an l2 or `unknown` out of range
 */
export function strengthOf({ info: { range, score } }: TrainedModel, options: FoldInOptions): number {
  checkOptions('foldIn', options, ['l2', 'unknown']);
  checkChoice('unknown', options.unknown ?? 'error', ['error', 'skip']);
  if (score.isDotProduct !== true) {
    throw new TypeError(`New users cannot be folded in: that needs a dot product, and this model's score is ${show(score.name)}.`);
  }
  const { bounds } = range;
  const l2 = options.l2 ?? (bounds === null ? 0.06 : (bounds[1] - bounds[0]) ** 2 / 500);
  checkPositive('l2', l2);
  return l2;
}

/**
 * Checks one user's ratings.
 * @param whose ' of user 3', for messages
 * @throws TypeError unless they are pairs; RangeError for a rating, or an item, that is none
 */
export function readGiven(
  {
    info: {
      items,
      range: { bounds },
    },
  }: TrainedModel,
  ratings: Iterable<GivenRating>,
  { unknown = 'error' }: FoldInOptions,
  whose: string,
): GivenRows {
  const rows: number[] = [];
  const values: number[] = [];
  if (typeof ratings?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`The ratings${whose} must be a list of pairs [item, rating], not ${show(ratings)}.`);
  }
  for (const pair of ratings) {
    if (!Array.isArray(pair)) throw new TypeError(`A rating${whose} must be a pair [item, rating], not ${show(pair)}.`);
    const [item, rating] = pair;
    if (typeof rating !== 'number' || !Number.isFinite(rating)) {
      throw new RangeError(`The rating${whose} of item ${show(item)} is ${show(rating)}, not a finite number.`);
    }
    if (bounds !== null && (rating < bounds[0] || rating > bounds[1])) {
      throw new RangeError(
        `The rating${whose} of item ${show(item)} is ${rating}, outside the model's range of ${bounds[0]} to ${bounds[1]}; ` +
          'give ratings on the scale of those that it was trained on.',
      );
    }
    const row = rowOf(items, item, 'item', unknown === 'error' ? 'error' : 'na');
    if (row === 0) continue;
    rows.push(row);
    values.push(rating);
  }
  if (rows.length === 0) throw new RangeError(`There are no ratings${whose} to fold in: give at least one, of an item that training saw.`);
  return { rows: Uint32Array.from(rows), ratings: Float64Array.from(values) };
}

/** What `exclude` leaves out for folded-in user k, `'rated'` being the ratings given. */
export const excludedOf = (model: TrainedModel, exclude: Exclude, given: (k: number) => Uint32Array) =>
  excludedRows(model, exclude, () => (k) => given(k).slice().sort());
