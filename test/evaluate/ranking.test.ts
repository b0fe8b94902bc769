import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { CollabData } from '../../src/data/collab-data.js';
import { rankByMean, rankingJudge, rankOnGpu } from '../../src/evaluate/ranking.js';
import { modelOf, scoreOf, tablesOf } from '../helpers/rated-model.js';

const test = suite('ranking');

/** Sizes, and whole numbers from -1 to 1 as tables, so that scores are exact and many of them equal. */
const models = fc
  .record({ nUsers: fc.integer({ min: 2, max: 6 }), nItems: fc.integer({ min: 2, max: 40 }), nFactors: fc.integer({ min: 1, max: 5 }) })
  .chain((sizes) => {
    const entries = (n: number) => fc.array(fc.integer({ min: -1, max: 1 }), { minLength: n, maxLength: n });
    const { nUsers, nItems, nFactors } = sizes;
    return fc.record({
      sizes: fc.constant(sizes),
      values: fc.tuple(entries(nUsers * nFactors), entries(nItems * nFactors), entries(nUsers), entries(nItems)),
      rated: fc.array(fc.uniqueArray(fc.integer({ min: 1, max: nItems - 1 })), { minLength: nUsers, maxLength: nUsers }),
      k: fc.integer({ min: 1, max: 50 }),
    });
  });

/** All items but `#na#` and the rated ones, by score and then by row, cut after k. */
function byBruteForce(nItems: number, score: (item: number) => number, rated: readonly number[], k: number): number[] {
  return Array.from({ length: nItems - 1 }, (_, i) => i + 1)
    .filter((item) => !rated.includes(item))
    .sort((a, b) => score(b) - score(a) || a - b)
    .slice(0, k);
}

test('GPU and host rank as brute force does: equal scores by row, without rated items, in short lists where few are left', async () => {
  await fc.assert(
    fc.asyncProperty(models, async ({ sizes, values, rated, k }) => {
      const tables = tablesOf(sizes, (table, i) => values[table][i]);
      const model = await modelOf(sizes, tables);
      const users = Uint32Array.from({ length: sizes.nUsers - 1 }, (_, i) => i + 1);
      const itemsOf = (user: number) => Uint32Array.from(rated[user]).sort();
      const expected = Array.from(users, (user) =>
        byBruteForce(sizes.nItems, (item) => scoreOf(sizes, tables, user, item), rated[user], k),
      );
      const lists = [
        await rankOnGpu(model, users, itemsOf, k),
        await rankByMean([model], users, itemsOf, k),
        await rankByMean([model, model], users, itemsOf, k),
      ];
      for (const list of lists) {
        assert.equal(
          list.map((items) => Array.from(items)),
          expected,
        );
      }
      model.release();
    }),
    { numRuns: 30 },
  );
});

test('an ensemble ranks by the mean of its predictions', async () => {
  const sizes = { nUsers: 2, nItems: 4, nFactors: 1 };
  // Biases of the items: i1 is first for the one, i2 for the other, i3 for both together.
  const biases = [
    [0, 3, -3, 2],
    [0, -3, 3, 2],
  ];
  const members = await Promise.all(
    biases.map((bias) =>
      modelOf(
        sizes,
        tablesOf(sizes, (table, i) => (table === 3 ? bias[i] : 0)),
      ),
    ),
  );
  const lists = await rankByMean(members, Uint32Array.of(1), () => new Uint32Array(0), 3);
  assert.equal(
    lists.map((list) => [...list]),
    [[3, 1, 2]],
  );
  for (const model of members) model.release();
});

test('many users are ranked in blocks, each with its own ratings left out', async () => {
  const sizes = { nUsers: 351, nItems: 3000, nFactors: 1 };
  const model = await modelOf(
    sizes,
    tablesOf(sizes, (table, i) => (table === 3 ? (i % 7) / 8 : 0)),
  );
  // More than one block of 2^20 pairs: user u has rated all items of the best class but those that leave u mod 7.
  const users = Uint32Array.from({ length: 350 }, (_, i) => i + 1);
  const rated = (user: number) => Uint32Array.from({ length: 428 }, (_, j) => 7 * j + 6).filter((item) => item % 11 !== user % 11);
  const onGpu = await rankOnGpu(model, users, rated, 5);
  assert.equal(await rankByMean([model, model], users, rated, 5), onGpu);
  for (const [i, list] of onGpu.entries()) for (const item of list) assert.not(rated(users[i]).includes(item));
  model.release();
});

test('only what training has is left out of the candidates: a held-out item is recommended and found', async () => {
  const columns = { users: [1, 1, 2, 2, 1], items: [1, 2, 1, 3, 3], ratings: [5, 1, 4, 5, 5] };
  const data = CollabData.fromArrays(columns, { validIndex: [4], batchSize: 1 });
  const sizes = { nUsers: data.nUsers, nItems: data.nItems, nFactors: 1 };
  const tables = tablesOf(sizes, (table, i) => (table === 3 ? i : 0));
  const held = {
    users: Uint32Array.of(...data.train.users, 1),
    items: Uint32Array.of(...data.train.items, 3),
    ratings: new Float32Array(5),
  };
  // A model that takes the held-out pair for rated too, as one saved after a later training would.
  const model = await modelOf(sizes, tables, { train: held });
  for (const members of [[model], [model, model]]) {
    assert.equal(await rankingJudge(data, { k: 1 })(members), { precision: 1, recall: 1, ndcg: 1, map: 1, coverage: 1 / 3 });
  }
  model.release();
});

test.run();
