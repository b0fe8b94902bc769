import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CollabModel, DotbiasError } from '../../src/index.js';
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
  test(`a prediction is the range of the score of its rows, #na# too if asked for, ${bias ? 'with' : 'without'} biases`, async () => {
    const one = await modelOf({ ...sizes, bias }, tables, { yRange: [1, 5] });
    const wanted = pairs.map(([user, item]) => 1 + 4 / (1 + Math.exp(-scoreOf({ ...sizes, bias }, tables, user, item))));
    assertClose(await one.predictRows(users, items, { unknown: 'na' }), wanted, 1.5e-6, 'yHat');
    one.release();
  });
}

test('without a range a prediction is the raw score, of whichever kind', async () => {
  const raw = await modelOf(sizes, tables, { yRange: null });
  assertClose(
    await raw.predictRows(users, items, { unknown: 'na' }),
    pairs.map(([user, item]) => scoreOf(sizes, tables, user, item)),
    2e-6,
    'z',
  );
  const other = await modelOf({ ...sizes, bias: false }, tables, { yRange: null, score: cosine });
  const row = (table: Float32Array, k: number) => table.subarray(5 * k, 5 * k + 5);
  assertClose(
    await other.predictRows(users, items, { unknown: 'na' }),
    pairs.map(([user, item]) => cosine.value(row(tables.userFactors, user), row(tables.itemFactors, item))),
    5e-7,
    'cosine',
  );
  raw.release();
  other.release();
});

test('ids are looked up, and one that training never saw is answered as row 0 or refused', async () => {
  const rows = await model.predictRows([1, 0, 3], [6, 2, 0]);
  assert.equal(await model.predict(['u1', 'stranger', 'u3'], ['i6', 'i2', 'new']), rows);
  await assertRefused(() => model.predict(['u1', 'stranger'], ['i1', 'i1'], { unknown: 'error' }), /^Training saw no user 'stranger'\.$/);
  await assertRefused(() => model.predict(['u1'], ['new'], { unknown: 'error' }), /^Training saw no item 'new'\.$/);
  await assertRefused(
    () => model.predict(['u1'], ['i1'], { unkown: 'error' } as never),
    /^predict has no option 'unkown'; did you mean unknown\?$/,
    TypeError,
  );
  await assertRefused(
    () => model.predict(['u1'], ['i1'], { unknown: 'eror' as never }),
    /^unknown must be 'mean', 'na' or 'error', not 'eror'\.$/,
  );
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

test('a user whom training never saw is predicted as the mean of the trained users, #na# not among them', async () => {
  for (const bias of [true, false]) {
    const one = await modelOf({ ...sizes, bias }, tables, { yRange: null });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const factor = (f: number) => mean([1, 2, 3].map((row) => tables.userFactors[5 * row + f]));
    const wanted = items.map((item) => {
      const z = [0, 1, 2, 3, 4].reduce((sum, f) => sum + factor(f) * tables.itemFactors[5 * item + f], 0);
      return bias ? z + mean([1, 2, 3].map((row) => tables.userBias[row])) + tables.itemBias[item] : z;
    });
    const unknown = new Array(items.length).fill(0);
    assertClose(await one.predictRows(unknown, items), wanted, 1.5e-6, 'z');
    assert.equal(await one.predictRows(unknown, items, { unknown: 'mean' }), await one.predictRows(unknown, items));
    assert.equal(await one.predict(['stranger'], ['i6']), await one.predictRows([0], [6]));
    assert.equal(await one.predict(['stranger'], ['i6'], { unknown: 'na' }), await one.predictRows([0], [6], { unknown: 'na' }));
    const parity = await modelOf({ ...sizes, bias }, tables, { yRange: null, unknownUser: 'na' });
    assert.equal(await parity.predictRows(unknown, items), await one.predictRows(unknown, items, { unknown: 'na' }));
    assert.equal(await parity.predictRows(unknown, items, { unknown: 'mean' }), await one.predictRows(unknown, items));
    assert.equal(await one.tables(), await parity.tables(), 'the tables stay as they are');
    one.release();
    parity.release();
  }
  await assertRefused(() => model.predictRows([0], [1], { unknown: 'error' as never }), /^unknown must be 'mean' or 'na', not 'error'\.$/);
});

test('where there are no trained users, an unknown one is #na#', async () => {
  const alone = { ...sizes, nUsers: 1 };
  const one = await modelOf(
    alone,
    tablesOf(alone, (table, i) => Math.sin(1 + i * (table + 1))),
  );
  assert.equal(await one.predictRows([0, 0], [1, 2]), await one.predictRows([0, 0], [1, 2], { unknown: 'na' }));
  one.release();
});

test('a prediction that is not finite is refused, whatever the range makes of its score', async () => {
  const large = { nUsers: 3, nItems: 3, nFactors: 2 };
  const values = [3e38, -3e38];
  const one = await modelOf(
    large,
    tablesOf(large, () => 0),
  );
  // Beyond what tables may hold: as training leaves them that diverges.
  const [{ param, layout }] = one.embeddings.parts;
  const spoilt = layout.unpack(new Float32Array(layout.nParams));
  [spoilt.userFactors, spoilt.itemFactors].forEach((table, side) =>
    table.forEach((_, i) => (table[i] = i > 1 ? values[(i + side) % 2] : 0)),
  );
  const packed = new Float32Array(layout.nParams);
  layout.packRows({ factors: spoilt.userFactors, biases: spoilt.userBias }, packed);
  layout.packRows({ factors: spoilt.itemFactors, biases: spoilt.itemBias }, packed.subarray(3 * layout.rowStride));
  one.gpu.write(param, packed);
  const refused = /^The prediction for user 'u1' and item 'i1' is not finite: the training of the model diverged, or its numbers are/;
  await assertRefused(() => one.predict(['u1'], ['i1']), refused, DotbiasError);
  assert.equal(await one.predictRows([0], [0], { unknown: 'na' }), Float32Array.of(2.75));
  await assertRefused(
    () => one.recommend('u1', 2, { exclude: 'none' }),
    /^Nothing can be recommended: scores are not finite/,
    DotbiasError,
  );
  await assertRefused(() => one.recommendAll(1, { exclude: 'none' }), /^Nothing can be recommended/, DotbiasError);
  await assertRefused(() => one.foldIn([['i1', 3]]), /is not finite/, DotbiasError);
  await assertRefused(() => one.foldInAll([[['i1', 3]]]), /is not finite/, DotbiasError);
  one.release();
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

test('what can be no id is refused, and not taken for an unknown one', async () => {
  for (const value of [undefined, null, NaN, 1.5, -1, '', 1n] as never[]) {
    await assertRefused(
      () => model.predict([value], ['i1']),
      /^The id of a user is a whole number of at least 0 or a text, not /,
      TypeError,
    );
    await assertRefused(() => model.predict(['u1'], [value]), /^The id of an item is a whole number /, TypeError);
    await assertRefused(() => model.recommend(value, 2, { exclude: 'none' }), /^The id of a user is a whole number /, TypeError);
    await assertRefused(() => model.foldIn([[value, 3]], { unknown: 'skip' }), /^The id of an item is a whole number /, TypeError);
  }
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
