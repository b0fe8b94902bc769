/** Pairs of user and item that are rated more than once. */
import { show } from '../base/check.js';
import { DataError } from '../base/errors.js';
import { groupBy } from '../base/group-by.js';
import type { Encoded, Id } from './ids.js';
import type { RatingColumns } from './ratings.js';

/** The ways to handle ratings of a pair that has several. */
export const DUPLICATES = ['keep', 'last', 'mean', 'error'] as const;

/**
 * What to do where one user rates one item several times. 'keep' trains on each rating, as fastai does. 'last' keeps the one
 * with the latest timestamp (of equal ones, and without timestamps, that in the last row), 'mean' the mean of the ratings
 * with the latest timestamp, in the first row. 'error' refuses them.
 */
export type DuplicateChoice = (typeof DUPLICATES)[number];

/** Counts of what is rated more than once, before any rating is left out. */
export interface DuplicateCounts {
  /** Pairs of user and item that have more than one rating. */
  pairs: number;
  /** Ratings of these pairs beyond the first. */
  surplus: number;
  /** Pairs with ratings both in training and in validation. A split that `CollabData` or a protocol makes has none. */
  onBothSides: number;
}

/** Which rows rate the same pair of user and item. */
export interface Pairs {
  /** Distinct pairs. */
  readonly n: number;
  /** The pair of each row, [rows]; pairs are numbered by their first row, so that without duplicates they are the rows. */
  readonly ofRow: Uint32Array;
}

/** Finds the rows of each pair: user by user, with one slot per item. */
export function findPairs(users: Encoded, items: Encoded): Pairs {
  const ofRow = new Uint32Array(users.codes.length);
  const userOfItem = new Int32Array(items.ids.length).fill(-1);
  const rowOfItem = new Uint32Array(items.ids.length);
  const { start, order } = groupBy(users.codes, users.ids.length);
  for (let user = 0; user < users.ids.length; user++) {
    for (let k = start[user]; k < start[user + 1]; k++) {
      const row = order[k];
      const item = items.codes[row];
      if (userOfItem[item] !== user) rowOfItem[item] = row;
      userOfItem[item] = user;
      ofRow[row] = rowOfItem[item];
    }
  }
  let n = 0;
  for (let row = 0; row < ofRow.length; row++) ofRow[row] = ofRow[row] === row ? n++ : ofRow[ofRow[row]];
  return { n, ofRow };
}

/** The first row of each pair, [pairs.n]. */
export function firstRows({ n, ofRow }: Pairs): Uint32Array {
  const first = new Uint32Array(n);
  let found = 0;
  for (let row = 0; found < n; row++) if (ofRow[row] === found) first[found++] = row;
  return first;
}

/** The row of the latest rating of each pair, [pairs.n]: of equal timestamps, and without them, the last row. */
export function latestRows({ n, ofRow }: Pairs, timestamps?: ArrayLike<number>): Uint32Array {
  const latest = new Uint32Array(n);
  const isFound = new Uint8Array(n);
  for (let row = 0; row < ofRow.length; row++) {
    const pair = ofRow[row];
    if (isFound[pair] === 1 && timestamps !== undefined && timestamps[row] < timestamps[latest[pair]]) continue;
    latest[pair] = row;
    isFound[pair] = 1;
  }
  return latest;
}

/** Ratings of which each pair has one, and the rows that have no part in them. */
export interface MergedRatings {
  columns: RatingColumns;
  /** 1 for each row that is left out, [rows]. */
  dropped: Uint8Array;
}

/**
 * Does with the ratings of each pair what was chosen. Rows keep their numbers.
 * @throws DataError for 'error', if a pair has more than one rating
 */
export function mergeDuplicates(columns: RatingColumns, pairs: Pairs, choice: DuplicateChoice): MergedRatings {
  const { ofRow } = pairs;
  const dropped = new Uint8Array(ofRow.length);
  if (choice === 'keep' || pairs.n === ofRow.length) return { columns, dropped };
  if (choice === 'error') refuse(columns, pairs);
  const latest = latestRows(pairs, columns.timestamps);
  if (choice === 'last') return { columns, dropped: dropped.map((_, row) => (latest[ofRow[row]] === row ? 0 : 1)) };

  const sums = new Float64Array(pairs.n);
  const counts = new Uint32Array(pairs.n);
  for (let row = 0; row < ofRow.length; row++) {
    sums[ofRow[row]] += columns.ratings[row];
    if (counts[ofRow[row]]++ > 0) dropped[row] = 1;
  }
  const { timestamps } = columns;
  const merged = {
    ...columns,
    ratings: Float32Array.from(ofRow, (pair) => sums[pair] / counts[pair]),
    ...(timestamps && { timestamps: Float64Array.from(ofRow, (pair) => timestamps[latest[pair]]) }),
  };
  return { columns: merged, dropped };
}

function refuse({ users, items }: RatingColumns, { ofRow }: Pairs): never {
  const again = ofRow.findIndex((pair, row) => pair !== row);
  throw ratedTwice(users[again], items[again], ofRow.indexOf(ofRow[again]), again);
}

/** The error for the first pair that has a second rating, where these are refused. */
export function ratedTwice(user: Id, item: Id, first: number, again: number): DataError {
  return new DataError(
    `User ${show(user)} rates item ${show(item)} twice, in rows ${first} and ${again}, counted from 0. ` +
      "Remove one, or pass duplicates: 'keep' to train on each, 'last' or 'mean' to make one of them.",
  );
}

/** Counts the duplicates of rows that are in training (`train`), in validation (`valid`), or in neither. */
export function countDuplicates({ n, ofRow }: Pairs, train: Uint32Array, valid: Uint32Array): DuplicateCounts {
  if (n === ofRow.length) return { pairs: 0, surplus: 0, onBothSides: 0 };
  const copies = new Uint32Array(n);
  for (let row = 0; row < ofRow.length; row++) copies[ofRow[row]]++;
  const inTrain = new Uint8Array(n);
  for (let k = 0; k < train.length; k++) inTrain[ofRow[train[k]]] = 1;
  const onBoth = new Set<number>();
  for (const row of valid) if (inTrain[ofRow[row]] === 1) onBoth.add(ofRow[row]);
  const pairs = copies.reduce((count, each) => count + (each > 1 ? 1 : 0), 0);
  return { pairs, surplus: ofRow.length - n, onBothSides: onBoth.size };
}
