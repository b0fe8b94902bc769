import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../src/data/collab-data.js';
import { batchNotes, duplicateNotes, unknownNotes } from '../../src/data/notes.js';

test('duplicates are counted in a sentence that says what became of them', () => {
  assert.equal(duplicateNotes({ pairs: 0, surplus: 0, onBothSides: 0 }, 'keep'), []);
  assert.equal(duplicateNotes({ pairs: 1, surplus: 1, onBothSides: 0 }, 'last'), [
    '1 pair of user and item is rated more than once (1 rating beyond the first): of each pair the last rating is kept.',
  ]);
  assert.equal(duplicateNotes({ pairs: 2000, surplus: 2500, onBothSides: 1 }, 'keep'), [
    '2,000 pairs of user and item are rated more than once (2,500 ratings beyond the first): each rating is kept, and 1 pair is both ' +
      'in training and in validation, so that the validation errors look better than they are.',
  ]);
});

test('a batch of all ratings is mentioned where a usual one has more', () => {
  assert.equal(batchNotes(64, 64), []);
  assert.equal(batchNotes(50, 64), ['There are only 50 training ratings: a batch has 50 instead of 64.']);
});

/** Validation ratings of which some are of users, or of items, that training does not know. */
const data = (nValid: number, unknownUsers: number, unknownItems: number) => {
  const rows = Array.from({ length: nValid }, (_, k) => [k < unknownUsers ? 99 : 1, k < unknownItems ? 99 : 1, 3] as const);
  return CollabData.fromRows([[1, 1, 3], [1, 2, 3], ...rows], { trainIndex: [0, 1] });
};

test('many validation ratings of unknown users or items are mentioned', () => {
  assert.equal(unknownNotes(data(40, 3, 0)), []);
  assert.equal(unknownNotes(data(40, 4, 0)), [
    '4 of 40 validation ratings are of users that training does not know: these predictions follow from the item alone.',
  ]);
  const all = unknownNotes(data(40, 40, 5));
  assert.match(
    all[0],
    /^All 40 validation ratings are of users that .*: the validation errors say nothing about users that it knows\. If .* ids/,
  );
  assert.match(all[1], /^5 of 40 validation ratings are of items .* follow from the user alone\.$/);
  const single = CollabData.fromRows(
    [1, 2, 3, 4].map((k) => [k, 1, 3] as const),
    { validIndex: [3] },
  );
  assert.match(unknownNotes(single).join(), /^All 1 validation ratings are of users .* Each user has a single rating in training\.$/);
  assert.equal(unknownNotes(CollabData.fromRows([[1, 1, 3]], { validPct: 0 })), []);
});

test.run();
