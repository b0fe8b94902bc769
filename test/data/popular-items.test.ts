import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../src/data/collab-data.js';
import { assertRefused } from '../helpers/refusal.js';

const rows = [
  ['ann', 7, 5],
  ['bob', 7, 1],
  ['cid', 7, 3],
  ['ann', 9, 4],
  ['bob', 9, 4],
  ['ann', 3, 2],
  ['bob', 5, 2],
] as const;

test('items come by their number of training ratings, then by row, with title, mean and deviation', () => {
  const titles = new Map([
    [7, 'Seven'],
    [3, 'Three'],
  ]);
  const data = CollabData.fromRows(rows, { validPct: 0, titles });
  assert.equal(data.popularItems(3), [
    { item: 7, title: 'Seven', count: 3, mean: 3, sd: Math.sqrt(8 / 3) },
    { item: 9, count: 2, mean: 4, sd: 0 },
    { item: 3, title: 'Three', count: 1, mean: 2, sd: 0 },
  ]);
  assert.is(data.popularItems().length, 4);
});

test('ratings held out for validation do not count', () => {
  const data = CollabData.fromRows(rows, { validIndex: [0, 1] });
  assert.equal(
    data.popularItems(2).map(({ item, count, mean }) => [item, count, mean]),
    [
      [9, 2, 4],
      [3, 1, 2],
    ],
  );
});

test('counts add up, and means and deviations are those of the ratings', () => {
  const rating = fc.record({ item: fc.nat(6), rating: fc.integer({ min: 1, max: 10 }).map((half) => half / 2) });
  fc.assert(
    fc.property(fc.array(rating, { minLength: 1, maxLength: 40 }), (given) => {
      const data = CollabData.fromRows(
        given.map(({ item, rating }, user) => [user, item, rating] as const),
        { validPct: 0 },
      );
      const all = data.popularItems(data.nItems);
      assert.is(
        all.reduce((sum, { count }) => sum + count, 0),
        given.length,
      );
      for (const { item, count, mean, sd } of all) {
        const own = given.filter((each) => each.item === item).map((each) => each.rating);
        const average = own.reduce((sum, each) => sum + each, 0) / own.length;
        const variance = own.reduce((sum, each) => sum + (each - average) ** 2, 0) / own.length;
        assert.is(count, own.length);
        assert.ok(Math.abs(mean - average) < 1e-12 && Math.abs(sd - Math.sqrt(variance)) < 1e-7);
      }
    }),
  );
});

test('a number of items that is none is refused', async () => {
  const data = CollabData.fromRows(rows, { validPct: 0 });
  await assertRefused(() => data.popularItems(0), /^n must be a whole number of at least 1, not 0\.$/);
});

test.run();
