import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData, type Ratings } from '../../src/data/collab-data.js';
import { batchNotes, duplicateNotes, rangeNotes, unknownNotes } from '../../src/data/notes.js';
import { rangeOfRatings } from '../../src/data/rating-range.js';

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

const none = new Uint32Array();
const part = (...ratings: number[]): Ratings => ({ users: none, items: none, ratings: Float32Array.from(ratings) });
const notes = (train: number[], valid: number[], bounds: readonly [number, number] | null, isFromData = false) =>
  rangeNotes({ train: part(...train), valid: part(...valid) }, bounds, isFromData);

test('where all ratings lie in the range, or there is none, nothing is said', () => {
  assert.equal(notes([1, 5], [0.5, 5.5], [0, 5.5]), []);
  assert.equal(notes([1, 5], [9], null), []);
  assert.equal(notes([-1, 0, 1], [], null), []);
  assert.equal(notes([98, 99, 7], [], [0, 100]), []);
});

test('ratings outside the range are counted, and their values listed, the most frequent first', () => {
  assert.equal(notes([1, 4, 5, 5], [2, 4], [0, 3]), [
    '3 of 4 training ratings and 1 of 2 validation ratings lie outside the range of predictions, 0 to 3, ' +
      'so that no prediction can reach them: 4 (2 times), 5 (2 times).',
  ]);
  assert.equal(notes([1, 5], [7.4], [0, 5.5], true), [
    '1 of 1 validation ratings lies outside the range of predictions, 0 to 5.5, which follows from the training ratings, ' +
      'so that no prediction can reach them: 7.4 (once).',
  ]);
  assert.match(notes([1, 2, 3, 4, 5, 6, 7], [], [8, 9])[0], /: 1 \(once\), .*5 \(once\), and others\.$/);
});

test('a usual mark of missing ratings is named', () => {
  assert.match(
    notes([1, 5, -1, 99, 99], [], [0, 5.5])[0],
    /: 99 \(2 times\), -1 \(once\)\. 99 and -1 may stand for missing ratings: if so, leave them out\.$/,
  );
  assert.not.match(notes([-10, -9, -1, 5, 10], [], [0, 5])[0], /may stand/, 'among others');
  const alone = (...train: number[]) => notes(train, [], rangeOfRatings(train), true);
  assert.equal(alone(-1, 1, 10, -1), [
    '2 of 4 training ratings are -1, all others 1 to 10: -1 may stand for missing ratings; if so, leave it out.',
  ]);
  assert.match(alone(-9.5, 10, 99)[0], /^1 of 3 training ratings are 99, all others -9\.5 to 10: 99 may/);
  assert.match(alone(0, 0, 3, 5, 1)[0], /^2 of 5 training ratings are 0, all others 1 to 5: 0 may/);
  assert.equal([alone(0, 1, 2, 3, 4, 5), alone(0, 0.5, 1), alone(0, 1, 0, 1), alone(0, 0, 1.5, 3), alone(-2, -1, 0)], [[], [], [], [], []]);
  assert.equal([alone(-1, 1), alone(-1, -1), alone(-1, -3, 5), alone(99, 80), alone(99)], [[], [], [], [], []]);
});

test.run();
