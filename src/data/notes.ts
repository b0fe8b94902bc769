/** Sentences on data that should be known before results are read; they name no option, and no one must act on them. */
import { counted, thousands } from '../base/count.js';
import type { DuplicateChoice, DuplicateCounts } from './duplicates.js';
import type { Ratings } from './ratings.js';

/** A share of the validation ratings that is worth a sentence. */
const NOTABLE = 0.1;

const BECAME: Readonly<Record<DuplicateChoice, string>> = {
  keep: 'each rating is kept',
  last: 'of each pair the last rating is kept',
  mean: 'of each pair the mean is kept',
  error: '',
};

/** On pairs of user and item that are rated more than once; none where there are none. */
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

/** On a batch that is smaller than usual because the ratings are few. */
export function batchNotes(batchSize: number, usual: number): string[] {
  if (batchSize >= usual) return [];
  return [
    `There ${batchSize === 1 ? 'is' : 'are'} only ${counted(batchSize, 'training rating')}: a batch has ${batchSize} instead of ${usual}.`,
  ];
}

/** On validation ratings of users or items that training does not know, if they are many. */
export function unknownNotes({
  valid,
  nTrain,
  nUsers,
  nItems,
}: {
  valid: Ratings;
  nTrain: number;
  nUsers: number;
  nItems: number;
}): string[] {
  const nValid = valid.ratings.length;
  const about = (rows: Uint32Array, nKnown: number, side: string, other: string): string[] => {
    let count = 0;
    for (const row of rows) if (row === 0) count++;
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
  return [...about(valid.users, nUsers - 1, 'user', 'item'), ...about(valid.items, nItems - 1, 'item', 'user')];
}
