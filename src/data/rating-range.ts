/** Between which predictions lie, and what to say where ratings do not lie there. */
import { thousands } from '../base/count.js';
import { asWritten } from '../base/decimal.js';
import { DataError } from '../base/errors.js';
import type { Ratings } from './ratings.js';

/**
 * The range of predictions that suits ratings: from 0 where the ratings are counted from there, else from a little below the
 * lowest, to a little above the highest. 1 to 5 and 0.5 to 5 give 0 to 5.5; 0 to 10 gives -1 to 11; 70 to 100 gives 67 to 103.
 *
 *     base = 0 if 0 <= min <= max - min, else min        margin = (max - base) / 10, or 0.5 if that is 0
 *     range = [base = 0 and min > 0 ? 0 : base - margin, max + margin]
 *
 * @param ratings at least one
 * @throws DataError if they reach farther than float32 does
 */
export function rangeOfRatings(ratings: ArrayLike<number>): [lo: number, hi: number] {
  const [min, max] = extremes(ratings).map(asWritten);
  const base = min >= 0 && min <= max - min ? 0 : min;
  const margin = (max - base) / 10 || 0.5;
  const [lo, hi] = [base === 0 && min > 0 ? 0 : clean(base - margin), clean(max + margin)];
  if (lo < hi && Number.isFinite(Math.fround(hi - lo))) return [lo, hi];
  throw new DataError(
    `No range of predictions can be made for ratings from ${min} to ${max}: float32 does not hold it. Scale the ratings.`,
  );
}

/** Without the rounding errors of its last digits: 12.1 for 12.100000000000001. */
const clean = (x: number): number => Number(x.toPrecision(12));

/** What some sources write where a rating is missing. */
const MARKS = new Set([-1, -9, -99, -999, -9999, 99, 999, 9999]);
/** Values that a note lists, and those that are counted for it, at most. */
const [MAX_LISTED, MAX_COUNTED] = [5, 1000];

/**
 * Sentences on ratings that a range of predictions does not hold, and on a value that looks like the mark of a missing
 * rating; none where all is well.
 *
 * @param bounds of the predictions; null: there are none
 * @param isFromData whether they follow from the training ratings
 */
export function rangeNotes(
  { train, valid }: { train: Ratings; valid: Ratings },
  bounds: readonly [lo: number, hi: number] | null,
  isFromData: boolean,
): string[] {
  const [lo, hi] = bounds ?? [-Infinity, Infinity];
  const values = new Map<number, number>();
  const parts: string[] = [];
  let total = 0;
  for (const [name, { ratings }] of Object.entries({ training: train, validation: valid })) {
    let count = 0;
    for (const rating of ratings) {
      if (rating >= lo && rating <= hi) continue;
      count++;
      if (values.size < MAX_COUNTED || values.has(rating)) values.set(rating, (values.get(rating) ?? 0) + 1);
    }
    total += count;
    if (count > 0) parts.push(`${thousands(count)} of ${thousands(ratings.length)} ${name} ratings`);
  }
  if (parts.length === 0) return markNotes(train.ratings);
  const listed = [...values].sort(([a, m], [b, n]) => n - m || a - b);
  const times = listed
    .slice(0, MAX_LISTED)
    .map(([value, count]) => `${asWritten(value)} (${count === 1 ? 'once' : `${thousands(count)} times`})`);
  if (listed.length > MAX_LISTED) times.push('and others');
  const marks = listed.map(([value]) => value).filter((value) => MARKS.has(value));
  const them = marks.length > 1 ? 'them' : 'it';
  const advice = marks.length === 0 ? '' : ` ${marks.join(' and ')} may stand for missing ratings: if so, leave ${them} out.`;
  const source = isFromData ? ', which follows from the training ratings' : '';
  const subject = `${parts.join(' and ')} ${total === 1 ? 'lies' : 'lie'}`;
  const range = `the range of predictions, ${lo} to ${hi}${source}`;
  return [`${subject} outside ${range}, so that no prediction can reach them: ${times.join(', ')}.${advice}`];
}

/** A sentence on a lowest or highest rating that is a usual mark of missing ones and stands apart from all others. */
function markNotes(ratings: Float32Array): string[] {
  const [min, max] = extremes(ratings);
  for (const mark of [min, max].filter((value) => MARKS.has(value))) {
    const others = ratings.filter((rating) => rating !== mark);
    const [least, most] = extremes(others);
    const isFar = Math.max(Math.abs(least), Math.abs(most)) <= Math.abs(mark) / 5;
    if (!isFar && !(mark < 0 && least >= 0 && most >= 2)) continue;
    return [
      `${thousands(ratings.length - others.length)} of ${thousands(ratings.length)} training ratings are ${mark}, all others ` +
        `${asWritten(least)} to ${asWritten(most)}: ${mark} may stand for missing ratings; if so, leave it out.`,
    ];
  }
  return [];
}

/** The lowest and the highest; [Infinity, -Infinity] of none. */
function extremes(values: ArrayLike<number>): [min: number, max: number] {
  let [min, max] = [Infinity, -Infinity];
  for (let k = 0; k < values.length; k++) {
    if (values[k] < min) min = values[k];
    if (values[k] > max) max = values[k];
  }
  return [min, max];
}
