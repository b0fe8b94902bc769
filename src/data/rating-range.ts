/** The range of predictions that follows from the ratings. */
import { asWritten } from '../base/decimal.js';
import { DataError } from '../base/errors.js';

/**
 * The range of predictions that suits ratings: from 0 where the ratings are counted from there, else from a little below the
 * lowest, to a little above the highest. 1 to 5 and 0.5 to 5 give 0 to 5.5; 0 to 10 gives -1 to 11; 70 to 100 gives 67 to 103.
 *
 *     base = 0 if 0 <= min <= max - min, else min        margin = (max - base) / 10, or 0.5 if that is 0
 *     range = [base = 0 and min > 0 ? 0 : base - margin, max + margin]
 *
 * @param ratings at least one
 * @throws DataError if there are none, one is not finite, or they spread wider than float32 can hold
 */
export function rangeOfRatings(ratings: ArrayLike<number>): [lo: number, hi: number] {
  if (!isEveryFinite(ratings))
    throw new DataError('No range of predictions can be made without ratings, or for one that is no finite number.');
  const [min, max] = extremes(ratings).map(asWritten);
  const base = min >= 0 && min <= max - min ? 0 : min;
  const margin = (max - base) / 10 || 0.5;
  const [lo, hi] = [base === 0 && min > 0 ? 0 : clean(base - margin), clean(max + margin)];
  if (lo < hi && Number.isFinite(Math.fround(hi - lo))) return [lo, hi];
  throw new DataError(`No range of predictions can be made for ratings from ${min} to ${max}: float32 cannot hold it. Scale the ratings.`);
}

/** Whether there are numbers, all of them finite. */
function isEveryFinite(values: ArrayLike<number>): boolean {
  for (let k = 0; k < values.length; k++) if (!Number.isFinite(values[k])) return false;
  return values.length > 0;
}

/** A number without rounding errors in its last digits: 12.1 for 12.100000000000001. */
const clean = (x: number): number => Number(x.toPrecision(12));

/** The lowest and the highest value; [Infinity, -Infinity] if there are none. */
export function extremes(values: ArrayLike<number>): [min: number, max: number] {
  let [min, max] = [Infinity, -Infinity];
  for (let k = 0; k < values.length; k++) {
    if (values[k] < min) min = values[k];
    if (values[k] > max) max = values[k];
  }
  return [min, max];
}
