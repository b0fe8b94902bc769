// The fold-in kernel against the float64 solver.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CollabModel, hash32, sigmoidRange } from '../../../src/index.js';
import { solveUser } from '../../../src/answer/solve-user.js';
import { modelOf, tablesOf, type TableSizes } from '../../helpers/rated-model.js';

const uniform = (a: number, b: number) => hash32(5, a, b, 0) / 2 ** 32;
/** Tables as training leaves them: columns with means of their own. */
const tablesFor = (sizes: TableSizes) => tablesOf(sizes, (table, i) => (uniform(table, i) - 0.4 - (i % 3) / 10) * 1.2);

/** Many users' ratings, from one to 200 each. */
const givenTo = (model: CollabModel, nUsers: number, rating = (k: number, j: number) => 1 + (hash32(6, k, j, 0) % 5)) =>
  Array.from({ length: nUsers }, (_, k) =>
    Array.from(
      { length: k === 7 ? 200 : 1 + (k % 9) },
      (_, j) => [`i${1 + (hash32(7, k, j, 0) % (model.info.items.size - 1))}`, rating(k, j)] as const,
    ),
  );

for (const [name, sizes, yRange] of [
  ['a range', { nUsers: 60, nItems: 90, nFactors: 13 }, [0, 5.5]],
  ['a range that ratings touch', { nUsers: 20, nItems: 60, nFactors: 13 }, [1, 5]],
  ['neither range nor biases', { nUsers: 30, nItems: 60, nFactors: 5, bias: false }, null],
] as const) {
  test(`many users at once are what the float64 solver finds: ${name}`, async () => {
    const model = await modelOf(sizes, tablesFor(sizes), { yRange });
    const users = givenTo(model, 24);
    const all = await model.foldInAll(users);
    for (const [k, ratings] of users.entries()) {
      const one = await model.foldIn(ratings);
      const error = Math.max(
        ...one.factors.map((value, f) => Math.abs(value - all.factors[k * sizes.nFactors + f])),
        Math.abs(one.bias - all.biases[k]),
      );
      assert.ok(error < 2e-4, `user ${k} of ${ratings.length} ratings: ${error}`);
    }
    model.release();
  });
}

test('the solver finds a minimum: no direction leads lower', () => {
  const range = sigmoidRange([0, 5.5]);
  const n = 6;
  const rows = Array.from({ length: 9 }, (_, k) => Float64Array.from({ length: n }, (_, f) => (f === n - 1 ? 1 : uniform(k, f) - 0.5)));
  const prior = {
    mean: Float64Array.from({ length: n }, (_, f) => uniform(20, f) / 3),
    sd: Float64Array.from({ length: n }, (_, f) => 0.1 + uniform(21, f)),
  };
  const [itemBias, ratings, l2] = [rows.map((_, k) => uniform(22, k)), rows.map((_, k) => 1 + (k % 5)), 0.4];
  const { x } = solveUser({ range, prior, l2, rows, itemBias, ratings });
  const cost = (at: Float64Array) =>
    rows.reduce((sum, row, k) => sum + (range.value(row.reduce((z, q, f) => z + q * at[f], itemBias[k])) - ratings[k]) ** 2, 0) +
    l2 * at.reduce((sum, value, f) => sum + ((value - prior.mean[f]) / prior.sd[f]) ** 2, 0);
  for (let f = 0; f < n; f++) {
    for (const step of [1e-4, -1e-4]) assert.ok(cost(x.map((value, i) => value + (i === f ? step : 0))) > cost(x));
  }
});

test('a column in which trained users do not differ stays at its mean', async () => {
  const sizes = { nUsers: 20, nItems: 30, nFactors: 13 };
  const model = await modelOf(
    sizes,
    tablesOf(sizes, (table, i) => (table === 0 && i % 13 === 1 ? 0.25 : uniform(table, i) - 0.5)),
  );
  const { factors } = await model.foldInAll(givenTo(model, 12));
  for (let k = 0; k < 12; k++) assert.is(factors[13 * k + 1], 0.25);
  model.release();
});

test.run();
