import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { countBy } from '../../src/base/group-by.js';
import { hash32 } from '../../src/base/random.js';
import { plantedRatings } from '../../src/data/planted.js';

const standard = plantedRatings();

/** How often each of the ids 1 to n occurs, sorted. */
const countsOf = (column: Uint32Array, n: number): Uint32Array =>
  countBy(column, n + 1)
    .subarray(1)
    .sort();

test('the bits are pinned', () => {
  const { users, items, ratings } = standard.columns;
  let digest = 0;
  for (let row = 0; row < ratings.length; row++) digest = hash32(digest, users[row], items[row], ratings[row]);
  assert.is(digest, 3469815190);
  assert.is(standard.bestMse().toFixed(9), '0.753310994');
});

test('the default set has the shape of MovieLens-100K', () => {
  const { users, items, ratings } = standard.columns;
  assert.is(ratings.length, 100_000);
  const share = [0, 0, 0, 0, 0, 0];
  for (const rating of ratings) share[rating] += 1e-5;
  [0, 0.06, 0.11, 0.27, 0.35, 0.22].forEach((expected, rating) =>
    assert.ok(Math.abs(share[rating] - expected) < 0.015, `rating ${rating}`),
  );
  const mean = ratings.reduce((sum, each) => sum + each, 0) / ratings.length;
  assert.ok(Math.abs(mean - 3.53) < 0.05);

  const perUser = countsOf(users, 943);
  assert.is(perUser[0], 20);
  assert.ok(Math.abs(perUser[471] - 65) < 10 && perUser[942] > 500 && perUser[942] < 841);
  const perItem = countsOf(items, 1682);
  const rare = perItem.filter((count) => count < 4).length / 1682;
  assert.ok(rare > 0.1 && rare < 0.25 && perItem[1681] > 300 && perItem[1681] < 650);
});

test('no pair is rated twice', () => {
  const { users, items } = standard.columns;
  const pairs = new Set<number>();
  for (let row = 0; row < users.length; row++) pairs.add(users[row] * 10_000 + items[row]);
  assert.is(pairs.size, users.length);
});

test('expected predicts with the best error: ratings scatter around it as bestMse says, everywhere', () => {
  const { ratings } = standard.columns;
  // Sorted by the prediction and cut in ten, each part must have mean residual 0 and the mean square that bestMse says.
  const order = Uint32Array.from(ratings, (_, row) => row).sort((a, b) => standard.expected[a] - standard.expected[b]);
  for (let part = 0; part < 10; part++) {
    const rows = order.subarray(part * 10_000, (part + 1) * 10_000);
    let sum = 0;
    let squares = 0;
    for (const row of rows) {
      const residual = ratings[row] - standard.expected[row];
      sum += residual;
      squares += residual * residual;
    }
    assert.ok(Math.abs(sum / 10_000) < 0.04, `mean residual of part ${part}`);
    assert.ok(Math.abs(squares / 10_000 / standard.bestMse(rows) - 1) < 0.08, `mean square of part ${part}`);
  }
  assert.ok(standard.bestMse() > 0.75 && standard.bestMse() < 0.8);
});

test('bestMse is an average over the rows asked for', () => {
  const all = standard.bestMse();
  const half = standard.bestMse(Uint32Array.from({ length: 50_000 }, (_, k) => k));
  const rest = standard.bestMse(Uint32Array.from({ length: 50_000 }, (_, k) => k + 50_000));
  assert.ok(Math.abs((half + rest) / 2 - all) < 1e-9);
  assert.is.not(half, rest);
  assert.throws(() => standard.bestMse([]), /no rows/);
  assert.throws(() => standard.bestMse([100_000]), /no row 100000; rows are 0 to 99999/);
});

test('every size that fits gives just the ratings asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 2, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(5),
      (nUsers, nItems, density, seed) => {
        const nRatings = Math.max(1, Math.floor(nUsers * Math.floor(nItems / 2) * density));
        const { users, items, ratings } = plantedRatings({ nUsers, nItems, nRatings, seed }).columns;
        assert.is(ratings.length, nRatings);
        const pairs = new Set(Array.from(users, (user, row) => `${user} ${items[row]}`));
        assert.is(pairs.size, nRatings);
        for (let row = 0; row < nRatings; row++) {
          assert.ok(users[row] >= 1 && users[row] <= nUsers && items[row] >= 1 && items[row] <= nItems);
          assert.ok(ratings[row] >= 1 && ratings[row] <= 5 && Number.isInteger(ratings[row]));
        }
      },
    ),
    { seed: 5 },
  );
});

test('seed and nFactors each change the ratings', () => {
  const of = (options: object): string => plantedRatings({ nUsers: 50, nItems: 100, nRatings: 1500, ...options }).columns.ratings.join('');
  assert.is(of({}), of({ seed: 42, nFactors: 2 }));
  assert.is.not(of({}), of({ seed: 43 }));
  assert.is.not(of({}), of({ nFactors: 3 }));
});

test('options that make no sense are refused', () => {
  for (const option of ['nUsers', 'nItems', 'nRatings', 'nFactors']) {
    for (const value of [0, 1.5, -1, NaN, 1e12])
      assert.throws(() => plantedRatings({ [option]: value }), new RegExp(`${option} must be a whole number from 1 to`));
  }
  for (const seed of [1.5, NaN, -1]) assert.throws(() => plantedRatings({ seed }), /seed must be a whole number from 0 to 4294967295/);
  assert.throws(() => plantedRatings({ nfactors: 3 } as object), /plantedRatings has no option 'nfactors'; did you mean nFactors\?/);
  assert.throws(() => plantedRatings({ nUsers: 10, nItems: 10, nRatings: 51 }), /more than half of 10 x 10 pairs; ask for at most 50/);
});

test.run();
