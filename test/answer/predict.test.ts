import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CollabModel } from '../../src/index.js';
import { cosine } from '../helpers/ops.js';
import { modelOf, scoreOf, type TableSizes, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';
import { assertClose } from '../helpers/training.js';

const sizes: TableSizes = { nUsers: 4, nItems: 7, nFactors: 5 };
const tables = tablesOf(sizes, (table, i) => Math.sin(1 + i * (table + 1)));
const model = await modelOf(sizes, tables);
const pairs = Array.from({ length: 28 }, (_, k) => [k % 4, k % 7] as const);
const users = pairs.map(([user]) => user);
const items = pairs.map(([, item]) => item);

for (const bias of [true, false]) {
  test(`a prediction is the range of the score of its rows, ${bias ? 'with' : 'without'} biases`, async () => {
    const one = await modelOf({ ...sizes, bias }, tables, { yRange: [1, 5] });
    const wanted = pairs.map(([user, item]) => 1 + 4 / (1 + Math.exp(-scoreOf({ ...sizes, bias }, tables, user, item))));
    assertClose(await one.predictRows(users, items), wanted, 1.5e-6, 'yHat');
    one.release();
  });
}

test('without a range a prediction is the raw score, of whichever kind', async () => {
  const raw = await modelOf(sizes, tables, { yRange: null });
  assertClose(
    await raw.predictRows(users, items),
    pairs.map(([user, item]) => scoreOf(sizes, tables, user, item)),
    2e-6,
    'z',
  );
  const other = await modelOf({ ...sizes, bias: false }, tables, { yRange: null, score: cosine });
  const row = (table: Float32Array, k: number) => table.subarray(5 * k, 5 * k + 5);
  assertClose(
    await other.predictRows(users, items),
    pairs.map(([user, item]) => cosine.value(row(tables.userFactors, user), row(tables.itemFactors, item))),
    5e-7,
    'cosine',
  );
  raw.release();
  other.release();
});

test('ids are looked up, and one that training never saw is read as #na# or refused', async () => {
  const rows = await model.predictRows([1, 0, 3], [6, 2, 0]);
  assert.equal(await model.predict(['u1', 'stranger', 'u3'], ['i6', 'i2', 'new']), rows);
  await assertRefused(() => model.predict(['u1', 'stranger'], ['i1', 'i1'], { unknown: 'error' }), /^Training saw no user 'stranger'\.$/);
  await assertRefused(() => model.predict(['u1'], ['new'], { unknown: 'error' }), /^Training saw no item 'new'\.$/);
  await assertRefused(
    () => model.predict(['u1'], ['i1'], { unkown: 'error' } as never),
    /^predict has no option 'unkown'; did you mean unknown\?$/,
    TypeError,
  );
  await assertRefused(() => model.predict(['u1'], ['i1'], { unknown: 'eror' as never }), /^unknown must be 'na' or 'error', not 'eror'\.$/);
});

test('any number of pairs is predicted, more than one dispatch too', async () => {
  assert.is((await model.predict([], [])).length, 0);
  const count = (1 << 20) + 5;
  const all = await model.predictRows(
    new Uint32Array(count).map((_, k) => k % 4),
    new Uint32Array(count).map((_, k) => k % 7),
  );
  for (const k of [0, 27, 1 << 20, count - 1]) assert.is(all[k], all[k % 28]);
});

test('rows that do not exist are refused by name, and nothing stays allocated', async () => {
  const before = (model as CollabModel).gpu.allocated;
  await assertRefused(() => model.predictRows([1, 4], [1, 1]), /^users\[1\] must be a whole number from 0 to 3, not 4\.$/);
  await assertRefused(() => model.predictRows([-1], [2]), /^users\[0\] must be a whole number from 0 to 3, not -1\.$/);
  await assertRefused(() => model.predictRows([1], [7]), /^items\[0\] must be a whole number from 0 to 6, not 7\.$/);
  await assertRefused(() => model.predictRows([1], [1.5]), /items\[0\] .* not 1\.5/);
  await assertRefused(() => model.predictRows([1], [NaN]), /items\[0\] .* not NaN/);
  await assertRefused(() => model.predictRows([1], ['1' as never]), /items\[0\] .* not '1'/);
  assert.is(model.gpu.allocated, before);
});

test('users and items of different number are refused', async () => {
  const message = /^A prediction needs a user and an item each: there are 3 users and 1 items\.$/;
  await assertRefused(() => model.predictRows([1, 2, 3], [1]), message);
  await assertRefused(() => model.predict(['u1', 'u2', 'u3'], ['i1']), message);
});

test('ids that are no array are refused: a text would be read as its characters', async () => {
  await assertRefused(() => model.predict('12' as never, '34' as never), /^Give the user ids as an array, not '12'\.$/, TypeError);
  await assertRefused(() => model.predict(['u1'], 'i1' as never), /^Give the item ids as an array, not 'i1'\.$/, TypeError);
  await assertRefused(() => model.predict(['u1'], undefined as never), /item ids as an array, not undefined/, TypeError);
  assert.is((await model.predict(Uint32Array.of(1), Uint32Array.of(1))).length, 1, 'a typed array is one');
});

test.run();
