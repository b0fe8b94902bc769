import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/base/errors.js';
import { rangeOfRatings } from '../../src/data/rating-range.js';
import { assertRefused } from '../helpers/refusal.js';

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

test('no range is made without ratings, or of one that is no finite number', () => {
  for (const ratings of [[], [NaN], [1, Infinity]]) assertRefused(() => rangeOfRatings(ratings), /^No range of predictions/, DataError);
});

test.run();
