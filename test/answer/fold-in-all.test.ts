import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CollabModel, type GivenRating, hash32 } from '../../src/index.js';
import { modelOf, type RatedModelOptions, tablesOf, type TableSizes } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

/** A number in [-0.5, 0.5). */
const uniform = (table: number, i: number) => hash32(5, table, i, 0) / 2 ** 32 - 0.5;
/** Factors and biases in [-spread / 2, spread / 2). */
const spreadModel = (sizes: TableSizes, spread: number, options: RatedModelOptions = {}) =>
  modelOf(
    sizes,
    tablesOf(sizes, (table, i) => (table < 2 ? spread : 1) * uniform(table, i) + (table === 2 ? 1 : 0)),
    options,
  );
const ratingsOf = (user: number, n: number): GivenRating[] =>
  Array.from({ length: n }, (_, j) => [`i${1 + ((7 * user + j) % 199)}`, 1 + (hash32(6, user, j, 0) % 5)]);

/** The largest difference of each user's numbers between all at once, in float32, and each alone, in float64. */
async function errorsOf(model: CollabModel, users: GivenRating[][]): Promise<number[]> {
  const { nFactors } = model.embeddings.shape;
  const all = await model.foldInAll(users);
  const errors: number[] = [];
  for (const [k, ratings] of users.entries()) {
    const { factors, bias } = await model.foldIn(ratings);
    const differences = Array.from(factors, (value, f) => Math.abs(value - all.factors[k * nFactors + f]));
    errors.push(Math.max(...differences, Math.abs(bias - all.biases[k])));
  }
  return errors;
}

test('many users are what each is alone', async () => {
  const model = await spreadModel({ nUsers: 60, nItems: 200, nFactors: 13 }, 1);
  const errors = await errorsOf(
    model,
    Array.from({ length: 24 }, (_, k) => ratingsOf(k, k === 7 ? 150 : 1 + (k % 9))),
  );
  assert.ok(Math.max(...errors) < 2e-5, errors.join(' '));
  model.release();
});

test('a step too long is halved: one rating of a model of large factors, far from what was expected', async () => {
  const model = await spreadModel({ nUsers: 40, nItems: 200, nFactors: 6 }, 8);
  const errors = await errorsOf(model, [ratingsOf(0, 1), ratingsOf(1, 3)]);
  assert.ok(Math.max(...errors) < 2e-6, errors.join(' '));
  model.release();
});

test('steps are solved to the end, however many iterations of conjugate gradients that takes', async () => {
  const model = await spreadModel({ nUsers: 40, nItems: 200, nFactors: 24 }, 8, { yRange: null });
  const errors = await errorsOf(
    model,
    [24, 30, 36].map((n, k) => ratingsOf(k, n)),
  );
  assert.ok(Math.max(...errors) < 1e-5, errors.join(' '));
  model.release();
});

test('a model of more than 336 factors folds many users in too', async () => {
  const model = await spreadModel({ nUsers: 12, nItems: 200, nFactors: 400 }, 0.2);
  const errors = await errorsOf(model, [ratingsOf(0, 3), ratingsOf(1, 20)]);
  assert.ok(Math.max(...errors) < 2e-5, errors.join(' '));
  model.release();
});

test('lists of many users are those of each alone, in the order given', async () => {
  const model = await spreadModel({ nUsers: 30, nItems: 200, nFactors: 6 }, 1);
  const users = [ratingsOf(0, 4), ratingsOf(1, 1), ratingsOf(2, 9)];
  const all = await model.foldInAll(users);
  for (const exclude of ['rated', 'none', ['i1', 'i2']] as const) {
    const { n, items } = await all.recommend(5, { exclude });
    for (const [k, ratings] of users.entries()) {
      const list = await (await model.foldIn(ratings)).recommend(5, { exclude });
      assert.equal(
        list.map(({ item }) => item),
        [...items.subarray(k * n, (k + 1) * n)].map((row) => `i${row}`),
      );
    }
  }
  model.release();
});

test('no users are no work', async () => {
  const model = await spreadModel({ nUsers: 30, nItems: 200, nFactors: 6 }, 1);
  const none = await model.foldInAll([]);
  assert.equal([none.factors.length, none.biases.length, (await none.recommend(3)).items.length], [0, 0, 0]);
  model.release();
});

test('wrong arguments of the lists are refused', async () => {
  const model = await spreadModel({ nUsers: 30, nItems: 200, nFactors: 6 }, 1);
  const all = await model.foldInAll([ratingsOf(0, 3)]);
  await assertRefused(() => all.recommend(0), /n must be a whole number of at least 1, not 0/);
  await assertRefused(() => all.recommend(3, { exclude: 'i1' as never }), /exclude must be/, TypeError);
  await assertRefused(() => all.recommend(3, { users: [] } as never), /recommend has no option 'users'/, TypeError);
  model.release();
});

test.run();
