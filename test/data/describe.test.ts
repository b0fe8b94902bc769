import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/base/errors.js';
import { describeRatings } from '../../src/data/describe.js';
import { assertRefused } from '../helpers/refusal.js';

const columns = {
  users: ['ann', 'ann', 'bob', 'ann', 'cyd', 'ann'],
  items: [7, 8, 7, 9, 7, 8],
  ratings: [5, 3.5, 4, 1, 5, 3.5],
  timestamps: [1_600_000_000, 1_500_000_000.5, 1_600_000_001, 1_600_000_000, 1_600_000_000, 1_600_000_000],
};

test('users, items, density, duplicates, scale, time span, cold rows and popularity are counted', () => {
  const { rating, popularity, itemCounts, ...rest } = describeRatings(columns, { coldBelow: 2 });
  assert.equal(rest, {
    nRatings: 6,
    users: { n: 3, min: 1, median: 1, mean: 2, max: 4, cold: 2 },
    items: { n: 3, min: 1, median: 2, mean: 2, max: 3, cold: 1 },
    coldBelow: 2,
    density: 5 / 9,
    duplicates: { pairs: 1, surplus: 1 },
    time: { first: 1_500_000_000.5, last: 1_600_000_001, firstDate: '2017-07-14T02:40:00.500Z', lastDate: '2020-09-13T12:26:41Z' },
  });
  assert.equal(
    [rating.min, rating.max, rating.histogram.map(({ from, count }) => [from, count])],
    [
      1,
      5,
      [
        [1, 1],
        [3.5, 2],
        [4, 1],
        [5, 2],
      ],
    ],
  );
  assert.ok(Math.abs(rating.mean - 22 / 6) < 1e-12 && Math.abs(rating.sd - Math.sqrt(91.5 / 6 - (22 / 6) ** 2)) < 1e-12);
  assert.equal(Array.from(itemCounts), [3, 2, 1]);
  assert.equal(popularity.at(-1), { share: 0.5, nItems: 2, ratings: 5 / 6 });
});

test('a histogram counts each rating once, in the bar that it lies in, however many there are', () => {
  const ratings = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(ratings, (values) => {
      const one = values.map(() => 1);
      const { histogram, min, max } = describeRatings({ users: one, items: one, ratings: values }).rating;
      assert.is(
        histogram.reduce((sum, { count }) => sum + count, 0),
        values.length,
      );
      assert.equal([histogram[0].from, histogram.at(-1)!.to], [min, max]);
      if (histogram[0].from === histogram[0].to) return;
      histogram.slice(1, -1).forEach(({ from, to, count }) => assert.is(count, values.filter((each) => each >= from && each < to).length));
    }),
    { seed: 7 },
  );
});

test('timestamps that are no seconds since 1970 have no dates; milliseconds have', () => {
  const withTimes = (timestamps: number[]) => describeRatings({ users: [1, 2], items: [1, 1], ratings: [1, 2], timestamps }).time;
  assert.equal(withTimes([3, 900]), { first: 3, last: 900 });
  assert.is(withTimes([1_600_000_000_000, 1_600_000_000_500])!.lastDate, '2020-09-13T12:26:40.500Z');
  assert.is(describeRatings({ users: [1], items: [1], ratings: [1] }).time, undefined);
});

test('what cannot be described is refused', async () => {
  await assertRefused(() => describeRatings({ users: [], items: [], ratings: [] }), /no ratings/, DataError);
  await assertRefused(() => describeRatings({ ...columns, ratings: [1, NaN, 1, 1, 1, 1] }), /rating in row 1 is NaN/, DataError);
  await assertRefused(() => describeRatings(columns, { coldBelow: 0 }), /coldBelow must be a whole number of at least 1, not 0/);
  await assertRefused(() => describeRatings(columns, { cold: 2 } as never), /coldBelow/, TypeError);
});

test.run();
