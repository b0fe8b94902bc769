import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CollabModel, MemoryBudgetError } from '../../src/index.js';
import { sharedGpu } from '../helpers/gpu.js';
import { modelOf, ratingsOf, tablesOf } from '../helpers/rated-model.js';

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
const message =
  (pattern: RegExp, type: Function = RangeError) =>
  (error: Error) =>
    error instanceof type && pattern.test(error.message);
async function throws(work: () => Promise<unknown>, expected: (error: Error) => boolean) {
  let caught: unknown;
  await work().catch((error: unknown) => (caught = error));
  assert.ok(caught instanceof Error && expected(caught), String(caught));
}

test('the best come first, what was rated in training is left out, titles come along', async () => {
  const list = await model.recommend('u1', 3);
  assert.is(ids(list), 'i5 i4 i1');
  assert.is(list[0].title, 'Five');
  assert.not('title' in list[1]);
  const predicted = await model.predict(['u1', 'u1', 'u1'], ['i5', 'i4', 'i1']);
  list.forEach(({ prediction }, k) => assert.ok(Math.abs(prediction - predicted[k]) < 1e-5));
});

test('exclude: none keeps all, and ids leave out what they name', async () => {
  assert.is(ids(await model.recommend('u1', 9, { exclude: 'none' })), 'i6 i5 i4 i2 i1 i3');
  assert.is(ids(await model.recommend('u1', 9, { exclude: ['i6', 'i4', 'never seen'] })), 'i5 i2 i1 i3');
  assert.is(ids(await model.recommend('u1', 9, { exclude: new Set(['i3']) })), 'i6 i5 i4 i2 i1');
});

test('a user who rated everything gets an empty list', async () => {
  assert.equal(await model.recommend('u2', 3), []);
});

test('an unknown user is ranked by item bias, or refused', async () => {
  assert.is(ids(await model.recommend('stranger', 9)), 'i6 i5 i4 i3 i2 i1');
  await throws(() => model.recommend('stranger', 9, { unknown: 'error' }), message(/never saw user "stranger"/));
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

test('blocks of users that fit a small memory budget give the same lists, within that budget', async () => {
  const gpu = await sharedGpu();
  const shape = { nUsers: 601, nItems: 50, nFactors: 3 };
  const large = await modelOf(
    shape,
    tablesOf(shape, (table, i) => Math.sin(1 + i * (table + 1))),
  );
  const whole = await large.recommendAll(4, { exclude: 'none' });
  const memoryBudget = gpu.allocated + 4096 + 9 * 16 + 600 * 20; // a third of the users
  gpu.peakAllocated = 0;
  let calls = 0;
  const inBlocks = await large.recommendAll(4, { exclude: 'none', memoryBudget, onProgress: () => calls++ });
  assert.equal(inBlocks, whole);
  assert.ok(calls >= 3, `${calls} calls`);
  assert.ok(gpu.peakAllocated <= memoryBudget, `${gpu.peakAllocated} of ${memoryBudget} bytes`);
  await throws(
    () => large.recommendAll(4, { exclude: 'none', memoryBudget: gpu.allocated + 1000 }),
    message(/do not fit the memory budget/, MemoryBudgetError),
  );
  large.release();
});

test('a model that does not know what was rated says so', async () => {
  const loaded = await modelOf(sizes, tables);
  await throws(() => loaded.recommend('u1'), message(/pass exclude: 'none'/, TypeError));
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

test('an aborted call throws the reason of its signal', async () => {
  await throws(() => model.recommendAll(3, { signal: AbortSignal.abort(new Error('enough')) }), message(/enough/, Error));
});

test('bad arguments are refused', async () => {
  for (const n of [0, -1, 1.5, NaN, '3' as never])
    await throws(() => model.recommend('u1', n), message(/n must be a whole number of at least 1/));
  await throws(() => model.recommend('u1', 3, { exclude: 'i5' as never }), message(/exclude must be/, TypeError));
  await throws(() => model.recommendAll(2 ** 40), message(/too many for one call/));
});

test('predict answers any number of pairs, more than one dispatch too', async () => {
  assert.is((await model.predict([], [])).length, 0);
  const count = (1 << 20) + 5;
  const users = new Uint32Array(count).map((_, k) => k % 4);
  const items = new Uint32Array(count).map((_, k) => k % 7);
  const all = await model.predictRows(users, items);
  for (const k of [0, 27, 1 << 20, count - 1]) assert.is(all[k], all[k % 28]);
});

test.run();
