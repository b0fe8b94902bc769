import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData, collabLearner, type CollabModel, type Id, type RatingRow, type Ratings } from '../../src/index.js';
import { sharedGpu } from '../helpers/gpu.js';
import { modelOf, ratingsOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';
import { assertClose } from '../helpers/training.js';

// Item k has bias k / 10 and user u factor u: scores are k / 10 + u (item factor), the item factors being 0 but for item 3.
const sizes = { nUsers: 4, nItems: 7, nFactors: 1 };
const tables = tablesOf(sizes, (table, i) => [i, i === 3 ? -1 : 0, 0, i / 10][table]);
const train = ratingsOf([
  [1, 6],
  [1, 2],
  [2, 6],
  [2, 5],
  [2, 4],
  [2, 3],
  [2, 2],
  [2, 1],
  [3, 1],
]);
const titles = new Map([['i5', 'Five']]);
let model: CollabModel;

test.before(async () => {
  model = await modelOf(sizes, tables, { train, titles });
});

const ids = (list: readonly { item: string | number }[]) => list.map(({ item }) => item).join(' ');
test('the best come first, what was rated in training is left out, titles come along', async () => {
  const list = await model.recommend('u1', 3);
  assert.is(ids(list), 'i5 i4 i1');
  assert.is(list[0].title, 'Five');
  assert.not('title' in list[1]);
  const predicted = await model.predict(['u1', 'u1', 'u1'], ['i5', 'i4', 'i1']);
  list.forEach(({ prediction }, k) => assert.ok(Math.abs(prediction - predicted[k]) < 1e-5));
});

test('what was held out for validation is left out as what was rated in training is', async () => {
  const valid = { users: Uint32Array.of(1, 3, 1), items: Uint32Array.of(5, 6, 1) };
  const one = await modelOf(sizes, tables, { train, valid, titles });
  assert.is(ids(await one.recommend('u1', 9)), 'i4 i3');
  assert.is(ids(await one.recommend('u3', 9, { exclude: 'none' })), ids(await model.recommend('u3', 9, { exclude: 'none' })));
  const { users, items, n } = await one.recommendAll(6);
  users.forEach((user, k) => {
    const list = new Set(items.subarray(k * n, (k + 1) * n));
    valid.users.forEach((each, j) => assert.not(each === user && list.has(valid.items[j])));
  });
});

test('a learner leaves out its validation pairs, those of ids that training never saw apart', async () => {
  const rows = [1, 2, 3].flatMap((user) => [10, 20, 30, 40].map((item): RatingRow => [user, item, 1 + ((user * item) % 5)]));
  const data = CollabData.fromRows([...rows, [9, 10, 3], [1, 90, 3]], { batchSize: 2, validIndex: [0, 5, 12, 13] });
  const learn = await collabLearner(data, { nFactors: 2, gpu: await sharedGpu() });
  assert.equal(learn.info.valid, { users: Uint32Array.of(1, 2), items: Uint32Array.of(1, 2) });
  for (const user of [1, 2, 3]) assert.equal(await learn.recommend(user), []);
  assert.is((await learn.recommend(9)).length, 4);
  learn.release();
});

test('exclude: none keeps all, and ids leave out what they name', async () => {
  assert.is(ids(await model.recommend('u1', 9, { exclude: 'none' })), 'i6 i5 i4 i2 i1 i3');
  assert.is(ids(await model.recommend('u1', 9, { exclude: ['i6', 'i4', 'never seen'] })), 'i5 i2 i1 i3');
  assert.is(ids(await model.recommend('u1', 9, { exclude: new Set(['i3']) })), 'i6 i5 i4 i2 i1');
});

test('a user who rated everything gets an empty list', async () => {
  assert.equal(await model.recommend('u2', 3), []);
});

test('an unknown user gets what the mean user would like, or the items by bias, or is refused', async () => {
  assert.is(ids(await model.recommend('stranger', 9, { unknown: 'na' })), 'i6 i5 i4 i3 i2 i1');
  const list = await model.recommend('stranger', 9);
  assert.is(ids(list), 'i6 i5 i4 i2 i1 i3');
  const predicted = await model.predict(
    list.map(() => 'stranger'),
    list.map(({ item }) => item),
  );
  list.forEach(({ prediction }, k) => assert.ok(Math.abs(prediction - predicted[k]) < 1e-5));
  const all = await model.recommendAll(9, { users: ['u1', 'stranger', 'nobody'] });
  const { items } = await model.recommendAll(9, { users: ['stranger'] });
  assert.equal([...all.users], [1, 0, 0]);
  assert.equal(all.items.slice(9, 18), items);
  assert.equal(all.items.slice(18), items);
  assert.equal(
    Array.from(items.subarray(0, 6), (row) => `i${row}`),
    list.map(({ item }) => item),
  );
  await assertRefused(() => model.recommend('stranger', 9, { unknown: 'error' }), /^Training saw no user 'stranger'\.$/);
  await assertRefused(
    () => model.recommend('stranger', 9, { unknown: 'eror' as never }),
    /^unknown must be 'mean', 'na' or 'error', not 'eror'\.$/,
  );
});

test('recommendAll marks places left empty by item 0 and NaN', async () => {
  const { users, n, items, predictions } = await model.recommendAll(5);
  assert.equal([...users], [1, 2, 3]);
  assert.is(n, 5);
  assert.equal([...items], [5, 4, 1, 3, 0, 0, 0, 0, 0, 0, 6, 5, 4, 2, 3]);
  predictions.forEach((prediction, k) => assert.is(Number.isNaN(prediction), items[k] === 0));
});

test('recommendAll takes users in the order given, and says how far it is', async () => {
  const seen: number[] = [];
  const { users, items } = await model.recommendAll(1, {
    users: ['u3', 'u1', 'stranger'],
    exclude: 'none',
    onProgress: ({ done, total }) => seen.push(done / total),
  });
  assert.equal([...users], [3, 1, 0]);
  assert.equal([...items], [6, 6, 6]);
  assert.is(seen.at(-1), 1);
  assert.is((await model.recommendAll(3, { users: [] })).items.length, 0);
});

test('a model that does not know what was rated says so', async () => {
  const loaded = await modelOf(sizes, tables);
  await assertRefused(() => loaded.recommend('u1'), /does not know what its users rated: pass exclude: 'none'/, TypeError);
  await assertRefused(() => loaded.recommendAll(2), /pass exclude: 'none'/, TypeError);
  assert.is((await loaded.recommend('u1', 2, { exclude: 'none' })).length, 2);
  loaded.release();
});

test('lists follow the model: new tables, new lists', async () => {
  const changing = await modelOf(sizes, tables, { train });
  const before = ids(await changing.recommend('u3', 2));
  changing.embeddings.writeTables(tablesOf(sizes, (table, i) => (table === 3 ? -i : 0)));
  assert.is(before, 'i6 i5');
  assert.is(ids(await changing.recommend('u3', 2)), 'i2 i3');
  changing.release();
});

test('bad arguments are refused', async () => {
  for (const n of [0, -1, 1.5, NaN, '3' as never]) {
    await assertRefused(() => model.recommend('u1', n), /n must be a whole number of at least 1/);
    await assertRefused(() => model.recommendAll(n), /n must be a whole number of at least 1/);
  }
  await assertRefused(
    () => model.recommend('u1', 3, { exclude: 'i5' as never }),
    /exclude must be 'rated', 'none' or the ids of items, not 'i5'/,
    TypeError,
  );
  await assertRefused(() => model.recommend('u1', 3, { exclude: 7 as never }), /exclude must be .*, not 7/, TypeError);
  await assertRefused(() => model.recommend('u1', 3, { excluded: [] } as never), /did you mean exclude\?/, TypeError);
  await assertRefused(() => model.recommendAll(3, { n: 3 } as never), /recommendAll has no option 'n'/, TypeError);
  await assertRefused(() => model.recommendAll(3, { users: 'u1' as never }), /Give the user ids as an array, not 'u1'/, TypeError);
});

/** A small model with few different numbers, so that scores are often equal, and what its users rated, some of it twice. */
const cases = fc
  .record({ nUsers: fc.integer({ min: 2, max: 6 }), nItems: fc.integer({ min: 2, max: 12 }), nFactors: fc.integer({ min: 1, max: 3 }) })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      values: fc.array(fc.constantFrom(-1, 0, 0.5, 2), { minLength: 64, maxLength: 64 }),
      pairs: fc.array(fc.tuple(fc.integer({ min: 1, max: shape.nUsers - 1 }), fc.integer({ min: 1, max: shape.nItems - 1 })), {
        maxLength: 20,
      }),
      bias: fc.boolean(),
      yRange: fc.constantFrom(null, [0, 5.5] as const),
      n: fc.integer({ min: 1, max: 15 }),
      exclude: fc.oneof(
        fc.constantFrom('rated' as const, 'none' as const),
        fc.array(fc.integer({ min: 0, max: 14 }).map((k): Id => `i${k}`)),
      ),
    }),
  );

test('recommend and recommendAll are a sort of predict, equal scores by row, for any small model and exclusion', () =>
  fc.assert(
    fc.asyncProperty(cases, async ({ shape, values, pairs, bias, yRange, n, exclude }) => {
      const own: Ratings = ratingsOf(pairs);
      const one = await modelOf(
        { ...shape, bias },
        tablesOf(shape, (table, i) => values[(17 * table + i) % 64]),
        { train: own, yRange },
      );
      const { users, items, predictions } = await one.recommendAll(n, { exclude });
      for (const [k, user] of users.entries()) {
        const left = Array.from({ length: shape.nItems - 1 }, (_, row) => row + 1).filter((item) =>
          exclude === 'rated' ? !pairs.some(([u, i]) => u === user && i === item) : exclude === 'none' || !exclude.includes(`i${item}`),
        );
        const predicted = await one.predictRows(new Array(left.length).fill(user), left);
        const best = left
          .map((item, at) => ({ item, prediction: predicted[at] }))
          .sort((a, b) => b.prediction - a.prediction || a.item - b.item);
        const wanted = best.slice(0, n);
        assert.equal([...items.subarray(n * k, n * k + n)], [...wanted.map(({ item }) => item), ...new Array(n - wanted.length).fill(0)]);
        assertClose(
          predictions.subarray(n * k, n * k + wanted.length),
          wanted.map(({ prediction }) => prediction),
          2e-6,
          'prediction',
        );
        const list = await one.recommend(`u${user}`, n, { exclude });
        assert.equal(
          list.map(({ item }) => item),
          wanted.map(({ item }) => `i${item}`),
        );
      }
      one.release();
    }),
    { numRuns: 40, seed: 3 },
  ));

test.run();
