/** Notes: sentences about the data that should be read before the results. They need no action, and name no option. */
import { counted, thousands } from '../base/count.js';
import { asWritten } from '../base/decimal.js';
import type { DuplicateChoice, DuplicateCounts } from './duplicates.js';
import { extremes } from './rating-range.js';
import type { Ratings } from './ratings.js';
import type { DataShare } from './share.js';

/** The least share of the validation ratings that is worth a note. */
const NOTABLE = 0.1;

const BECAME: Readonly<Record<DuplicateChoice, string>> = {
  keep: 'each rating is kept',
  last: 'of each pair the last rating is kept',
  mean: 'of each pair the mean is kept',
  error: '',
};

/** A note about pairs of user and item that are rated more than once, if there are any. */
export function duplicateNotes({ pairs, surplus, onBothSides }: DuplicateCounts, choice: DuplicateChoice): string[] {
  if (pairs === 0) return [];
  const are = pairs === 1 ? 'is' : 'are';
  const what = `${counted(pairs, 'pair')} of user and item ${are} rated more than once (${counted(surplus, 'rating')} beyond the first)`;
  if (onBothSides === 0) return [`${what}: ${BECAME[choice]}.`];
  return [
    `${what}: ${BECAME[choice]}, and ${counted(onBothSides, 'pair')} ${onBothSides === 1 ? 'is' : 'are'} both in training and in ` +
      'validation, so that the validation errors look better than they are.',
  ];
}

/** A note about a batch that is smaller than usual because there are few ratings. */
export function batchNotes(batchSize: number, usual: number): string[] {
  if (batchSize >= usual) return [];
  return [
    `There ${batchSize === 1 ? 'is' : 'are'} only ${counted(batchSize, 'training rating')}: a batch has ${batchSize} instead of ${usual}.`,
  ];
}

/** Notes about validation ratings of users or items that training does not know, if there are many. */
export function unknownNotes({
  valid,
  share,
  nTrain,
  nValid,
  nUsers,
  nItems,
}: {
  valid: Ratings;
  share?: DataShare | undefined;
  nTrain: number;
  nValid: number;
  nUsers: number;
  nItems: number;
}): string[] {
  const unknown = share?.whole.unknown ?? { users: countZeros(valid.users), items: countZeros(valid.items) };
  const about = (count: number, nKnown: number, side: string, other: string): string[] => {
    if (count === 0 || count < NOTABLE * nValid) return [];
    const subject = (many: string) => `${many} validation ratings are of ${side}s that training does not know`;
    if (count < nValid) {
      return [`${subject(`${thousands(count)} of ${thousands(nValid)}`)}: these predictions follow from the ${other} alone.`];
    }
    const cause =
      nKnown === nTrain
        ? `Each ${side} has a single rating in training.`
        : 'If training should know them, compare how the ids are written.';
    return [`${subject(`All ${thousands(count)}`)}: the validation errors say nothing about ${side}s that it knows. ${cause}`];
  };
  return [...about(unknown.users, nUsers - 1, 'user', 'item'), ...about(unknown.items, nItems - 1, 'item', 'user')];
}

function countZeros(rows: Uint32Array): number {
  let count = 0;
  for (const row of rows) if (row === 0) count++;
  return count;
}

/** What some sources write in place of a missing rating. */
const MARKS = new Set([0, -1, -9, -99, -999, -9999, 99, 255, 999, 9999]);
/** The most values that a note lists, and the most that are counted for it. */
const [MAX_LISTED, MAX_COUNTED] = [5, 1000];

/**
 * Notes about ratings outside the range of predictions, or about a value that looks like the mark of a missing rating.
 *
 * @param bounds the range; null if there is none
 * @param isFromData whether it follows from the training ratings
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
  const ends = extremes(listed.map(([value]) => value));
  const marks = listed.map(([value]) => value).filter((value) => value !== 0 && MARKS.has(value) && ends.includes(value));
  const them = marks.length > 1 ? 'them' : 'it';
  const advice = marks.length === 0 ? '' : ` ${marks.join(' and ')} may stand for missing ratings: if so, leave ${them} out.`;
  const source = isFromData ? ', which follows from the training ratings' : '';
  const subject = `${parts.join(' and ')} ${total === 1 ? 'lies' : 'lie'}`;
  const range = `the range of predictions, ${lo} to ${hi}${source}`;
  return [`${subject} outside ${range}, so that no prediction can reach them: ${times.join(', ')}.${advice}`];
}

/**
 * A note about a lowest or highest rating that is a usual mark of missing ones and stands apart from all others: -1 where no
 * other is negative, 99 where the others are at most a fifth of it, 0 where it is a quarter of ratings that are whole.
 */
function markNotes(ratings: Float32Array): string[] {
  const [min, max] = extremes(ratings);
  for (const mark of [min, max].filter((value) => MARKS.has(value))) {
    const others = ratings.filter((rating) => rating !== mark);
    const [least, most] = extremes(others);
    const nMarks = ratings.length - others.length;
    const isFar = mark !== 0 && Math.max(Math.abs(least), Math.abs(most)) <= Math.abs(mark) / 5;
    const isEmpty = mark === 0 && least >= 1 && most > least && 4 * nMarks >= ratings.length && others.every(Number.isInteger);
    if (!isFar && !isEmpty && !(mark < 0 && least >= 0 && most >= 2)) continue;
    return [
      `${thousands(nMarks)} of ${thousands(ratings.length)} training ratings are ${mark}, all others ` +
        `${asWritten(least)} to ${asWritten(most)}: ${mark} may stand for missing ratings; if so, leave it out.`,
    ];
  }
  return [];
}
