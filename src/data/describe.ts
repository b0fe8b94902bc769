/** What can be said of ratings before anything is trained on them. */
import { checkOptions, checkWhole } from '../base/check.js';
import { asWritten } from '../base/decimal.js';
import { countBy } from '../base/group-by.js';
import { countDuplicates, findPairs } from './duplicates.js';
import { encode } from './ids.js';
import { checkColumns } from './collab-data.js';
import { extremes } from './rating-range.js';
import type { RatingColumns } from './ratings.js';
import { unitsPerSecond } from './time-unit.js';

/** What is asked of ratings; all optional. */
export interface DescribeOptions {
  /** A user or an item with fewer ratings than this counts as cold. Default 5. */
  coldBelow?: number | undefined;
}

/** How many ratings users, or items, have. */
export interface CountSpread {
  /** Number of users, or of items. */
  n: number;
  min: number;
  /** The middle one; of an even number the mean of both in the middle. */
  median: number;
  mean: number;
  max: number;
  /** How many have fewer ratings than `coldBelow`. */
  cold: number;
}

/** A bar of the histogram of ratings: those from `from` to below `to`, or to `to` itself in the last bar and where both are equal. */
export interface RatingStep {
  from: number;
  to: number;
  count: number;
}

/** When the ratings were given, in the unit of their timestamps and, where these are seconds since 1970 or parts of one, as dates. */
export interface TimeSpan {
  first: number;
  last: number;
  /** ISO 8601, UTC. */
  firstDate?: string | undefined;
  lastDate?: string | undefined;
}

/** What `describeRatings` found. */
export interface RatingsDescription {
  nRatings: number;
  users: CountSpread;
  items: CountSpread;
  coldBelow: number;
  /** Share of all pairs of user and item that are rated, each pair counted once. */
  density: number;
  /** Pairs of user and item with more than one rating, and their ratings beyond the first. */
  duplicates: { pairs: number; surplus: number };
  /** `sd` is the standard deviation about the mean, over n. */
  rating: { min: number; max: number; mean: number; sd: number; histogram: RatingStep[] };
  /** Absent if the ratings have no timestamps. */
  time?: TimeSpan | undefined;
  /** The share of the ratings that the most rated items have: `share` of all items, rounded up. */
  popularity: { share: number; nItems: number; ratings: number }[];
  /** Number of ratings of each item, the most rated first, [items.n]. */
  itemCounts: Uint32Array;
}

/** Up to so many different ratings have a bar each; more are counted in this many ranges. */
const MAX_STEPS = 20;
const TOP_SHARES = [0.01, 0.05, 0.1, 0.2, 0.5];

/**
 * Counts what ratings there are: users, items, density, duplicates, the scale, the time span, cold rows, and how unevenly the ratings
 * fall on the items.
 *
 * @throws DataError without ratings, for columns that differ in length, or for an id, rating or timestamp that is none; RangeError
 *   unless `coldBelow` is a whole number of at least 1
 */
export function describeRatings(columns: RatingColumns, options: DescribeOptions = {}): RatingsDescription {
  checkOptions('describeRatings', options, ['coldBelow']);
  const { coldBelow = 5 } = options;
  checkWhole('coldBelow', coldBelow);
  checkColumns(columns, 'the data');
  const { ratings, timestamps } = columns;
  const nRatings = ratings.length;
  const [users, items] = [encode(columns.users, 'user'), encode(columns.items, 'item')];
  const pairs = findPairs(users, items);
  const { pairs: nPairs, surplus } = countDuplicates(pairs, new Uint32Array(0), new Uint32Array(0));
  const [nUsers, nItems] = [users.ids.length, items.ids.length];
  const itemCounts = countBy(items.codes, nItems).sort().reverse();
  return {
    nRatings,
    users: spreadOf(countBy(users.codes, nUsers).sort().reverse(), coldBelow),
    items: spreadOf(itemCounts, coldBelow),
    coldBelow,
    density: pairs.n / (nUsers * nItems),
    duplicates: { pairs: nPairs, surplus },
    rating: scaleOf(ratings),
    ...(timestamps && { time: spanOf(timestamps) }),
    popularity: TOP_SHARES.map((share) => {
      const top = Math.ceil(share * nItems);
      return { share, nItems: top, ratings: itemCounts.subarray(0, top).reduce((sum, count) => sum + count, 0) / nRatings };
    }),
    itemCounts,
  };
}

/** @param counts descending, at least one */
function spreadOf(counts: Uint32Array, coldBelow: number): CountSpread {
  const n = counts.length;
  return {
    n,
    min: counts[n - 1],
    median: (counts[(n - 1) >> 1] + counts[n >> 1]) / 2,
    mean: counts.reduce((sum, count) => sum + count, 0) / n,
    max: counts[0],
    cold: counts.reduce((sum, count) => sum + (count < coldBelow ? 1 : 0), 0),
  };
}

function scaleOf(ratings: ArrayLike<number>): RatingsDescription['rating'] {
  const n = ratings.length;
  const [min, max] = extremes(ratings);
  const values = new Map<number, number>();
  let mean = 0;
  let squares = 0;
  for (let k = 0; k < n; k++) {
    // Welford (1962): exact where all ratings are alike.
    const difference = ratings[k] - mean;
    mean += difference / (k + 1);
    squares += difference * (ratings[k] - mean);
    if (values.size <= MAX_STEPS) values.set(ratings[k], (values.get(ratings[k]) ?? 0) + 1);
  }
  const histogram =
    values.size <= MAX_STEPS
      ? [...values].sort(([a], [b]) => a - b).map(([value, count]) => ({ from: asWritten(value), to: asWritten(value), count }))
      : inRanges(ratings, min, max);
  return { min: asWritten(min), max: asWritten(max), mean, sd: Math.sqrt(squares / n), histogram };
}

function inRanges(ratings: ArrayLike<number>, min: number, max: number): RatingStep[] {
  const edge = (k: number) => (k === MAX_STEPS ? asWritten(max) : min + (k / MAX_STEPS) * (max - min));
  const steps = Array.from({ length: MAX_STEPS }, (_, k) => ({ from: k === 0 ? asWritten(min) : edge(k), to: edge(k + 1), count: 0 }));
  for (let row = 0; row < ratings.length; row++) {
    let k = Math.min(MAX_STEPS - 1, Math.floor(((ratings[row] - min) / (max - min)) * MAX_STEPS));
    if (k > 0 && ratings[row] < steps[k].from) k--; // a quotient that was rounded across an edge
    else if (k < MAX_STEPS - 1 && ratings[row] >= steps[k].to) k++;
    steps[k].count++;
  }
  return steps;
}

function spanOf(timestamps: ArrayLike<number>): TimeSpan {
  const [first, last] = extremes(timestamps);
  const perSecond = unitsPerSecond(timestamps);
  // Less than 1e8 seconds, three years after 1970, is rather a count of days or of anything else. Dates end at 8.64e12 seconds.
  if (last / perSecond < 1e8 || Math.max(-first, last) / perSecond > 8.64e12) return { first, last };
  const [firstDate, lastDate] = [first, last].map((time) => new Date((time / perSecond) * 1000).toISOString().replace('.000Z', 'Z'));
  return { first, last, firstDate, lastDate };
}
