import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/base/errors.js';
import type { Ratings } from '../../src/data/collab-data.js';
import { rangeNotes, rangeOfRatings } from '../../src/data/rating-range.js';
import { assertRefused } from '../helpers/refusal.js';

const none = new Uint32Array();
const part = (...ratings: number[]): Ratings => ({ users: none, items: none, ratings: Float32Array.from(ratings) });
const notes = (train: number[], valid: number[], bounds: readonly [number, number] | null, isFromData = false) =>
  rangeNotes({ train: part(...train), valid: part(...valid) }, bounds, isFromData);

const ranges: [ratings: number[], lo: number, hi: number][] = [
  [[1, 5], 0, 5.5],
  [[0.5, 5, 3], 0, 5.5],
  [[0, 10], -1, 11],
  [[-10, 10], -12, 12],
  [[70, 100], 67, 103],
  [[0, 1], -0.1, 1.1],
  [[1, 10], 0, 11],
  [[3, 5], 2.8, 5.2],
  [[3.4, 9.7], 0, 10.67],
  [[0.1, 0.7], 0, 0.77],
  [[-5, -1], -5.4, -0.6],
  [[4, 4], 3.5, 4.5],
  [[0], -0.5, 0.5],
];
for (const [ratings, lo, hi] of ranges) {
  test(`ratings ${ratings.join(', ')} give predictions from ${lo} to ${hi}`, () => {
    assert.equal(rangeOfRatings(Float32Array.from(ratings)), [lo, hi]);
    assert.equal(rangeOfRatings(ratings), [lo, hi]);
  });
}

test('all ratings lie in their range, inside of its ends unless they are counted from 0', () => {
  const ratings = fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(ratings, (values) => {
      const [lo, hi] = rangeOfRatings(values);
      assert.ok(
        values.every((y) => y > lo && y < hi),
        `${values} in ${lo} to ${hi}`,
      );
    }),
  );
});

test('ratings that float32 cannot span are refused', () => {
  for (const ratings of [[-3e38, 3e38], [3.3e38]])
    assertRefused(() => rangeOfRatings(ratings), /No range .* Scale the ratings\.$/, DataError);
});

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
  const alone = (...train: number[]) => notes(train, [], rangeOfRatings(train), true);
  assert.equal(alone(-1, 1, 10, -1), [
    '2 of 4 training ratings are -1, all others 1 to 10: -1 may stand for missing ratings; if so, leave it out.',
  ]);
  assert.match(alone(-9.5, 10, 99)[0], /^1 of 3 training ratings are 99, all others -9\.5 to 10: 99 may/);
  assert.equal([alone(-1, 1), alone(-1, -1), alone(-1, -3, 5), alone(99, 80), alone(99)], [[], [], [], [], []]);
});

test.run();
