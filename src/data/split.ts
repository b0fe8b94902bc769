/** Which rows are trained on, and which are kept for validation. */
import { checkShare, show } from '../base/check.js';
import { firstOf } from '../base/first-of.js';
import type { Pairs } from './duplicates.js';
import { permutationKey, permute, STREAM } from '../base/random.js';

/** How ratings are split: at random, or by the rows given. */
export interface SplitOptions {
  /**
   * Share kept for validation, in [0, 1): `floor(validPct * n)` of the n pairs of user and item, chosen by the seed, with all
   * their ratings. Default 0.2.
   */
  validPct?: number | undefined;
  /** Rows to train on, in this order, instead of a random split. Default with `validIndex` alone: all other rows. */
  trainIndex?: ArrayLike<number> | undefined;
  /** Rows to validate on, in this order. Default with `trainIndex` alone: all other rows. */
  validIndex?: ArrayLike<number> | undefined;
}

/** Row numbers of the two parts. */
export interface Split {
  train: Uint32Array;
  valid: Uint32Array;
}

/**
 * The random split that `CollabData` makes of n rows, if no pair of user and item occurs twice: the first
 * `floor(validPct * n)` rows of a permutation keyed by the seed are for validation. Both parts are in ascending order.
 *
 * @param validPct share of the rows, in [0, 1). Default 0.2
 * @param seed whole number in [0, 2^32). Default 42
 * @throws RangeError if one of them is out of range
 */
export function randomSplit(n: number, validPct = 0.2, seed = 42): Split {
  const isValid = validMarks(n, validPct, seed);
  return { train: rowsWhere(n, (row) => isValid[row] === 0), valid: rowsWhere(n, (row) => isValid[row] === 1) };
}

/** 1 for each row of a random split that is for validation, [n]. */
function validMarks(n: number, validPct = 0.2, seed = 42): Uint8Array {
  checkShare('validPct', validPct);
  const nValid = Math.floor(validPct * n);
  const key = permutationKey(seed, STREAM.SPLIT);
  const isValid = new Uint8Array(n);
  for (let i = 0; i < nValid; i++) isValid[permute(n, key, i)] = 1;
  return isValid;
}

/**
 * Splits rows as the options say. A random split is one of pairs, in the order of their first rows.
 *
 * @param pairs which rows rate the same pair
 * @param dropped 1 for each row that belongs to neither part, [n]: none, or all rows but one of each pair
 * @throws RangeError for a row that does not exist or is named twice, TypeError for two ways of splitting at once
 */
export function splitRows({ n: nPairs, ofRow }: Pairs, dropped: Uint8Array, seed: number, options: SplitOptions): Split {
  const { validPct, trainIndex, validIndex } = options;
  const n = ofRow.length;
  const isKept = (row: number): boolean => dropped[row] === 0;
  if (trainIndex === undefined && validIndex === undefined) {
    const nKept = n - dropped.reduce((sum, each) => sum + each, 0);
    const isValid = validMarks(nPairs, validPct, seed);
    // Where one row of each pair is left, pairs are numbered by these.
    const [train, valid] = [new Uint32Array(nKept), new Uint32Array(nKept)];
    let [nTrain, nValid] = [0, 0];
    for (let row = 0; row < n; row++) {
      if (dropped[row] === 1) continue;
      const pair = nKept === nPairs ? nTrain + nValid : ofRow[row];
      if (isValid[pair] === 1) valid[nValid++] = row;
      else train[nTrain++] = row;
    }
    return { train: firstOf(train, nTrain), valid: firstOf(valid, nValid) };
  }
  if (validPct !== undefined) {
    throw new TypeError('Give either validPct (a random split) or trainIndex and validIndex (a given split), not both.');
  }
  const inTrain = trainIndex && markRows(n, trainIndex, 'trainIndex');
  const inValid = validIndex && markRows(n, validIndex, 'validIndex');
  if (inTrain && inValid) {
    const both = inTrain.findIndex((each, row) => each === 1 && inValid[row] === 1);
    if (both !== -1) throw new RangeError(`Row ${both} is in trainIndex and in validIndex; a row can be in one of them only.`);
  }
  const train = trainIndex ? Uint32Array.from(trainIndex) : rowsWhere(n, (row) => inValid![row] === 0);
  const valid = validIndex ? Uint32Array.from(validIndex) : rowsWhere(n, (row) => inTrain![row] === 0);
  return { train: train.filter(isKept), valid: valid.filter(isKept) };
}

/** The rows 0 to n - 1 that are wanted, in ascending order. */
export function rowsWhere(n: number, isWanted: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(n);
  let count = 0;
  for (let row = 0; row < n; row++) if (isWanted(row)) rows[count++] = row;
  return firstOf(rows, count);
}

/** 1 for each row named, [n]. */
function markRows(n: number, rows: ArrayLike<number>, option: string): Uint8Array {
  const marks = new Uint8Array(n);
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k];
    if (!Number.isInteger(row) || row < 0 || row >= n) {
      throw new RangeError(`${option}[${k}] is ${show(row)}, not a row from 0 to ${n - 1}.`);
    }
    if (marks[row] === 1) throw new RangeError(`${option}[${k}] names row ${row} a second time.`);
    marks[row] = 1;
  }
  return marks;
}
