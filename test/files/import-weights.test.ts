import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileFormatError } from '../../src/base/errors.js';
import { importWeights, type ImportOptions } from '../../src/files/import-weights.js';
import { decodeModel, loadModel, writeModel } from '../../src/files/model-file.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../../src/base/safetensors.js';
import { readFixture } from '../helpers/fixtures.js';
import { sharedGpuOrNull } from '../helpers/gpu.js';
import { assertRefused } from '../helpers/refusal.js';

const test = suite('import weights');
const gpu = await sharedGpuOrNull();

const { params, users, items, cases } = readFixture('forward_backward.json');
const nUsers = params.u_weight.length as number;
const nItems = params.i_weight.length as number;

/** A state dict as PyTorch names and shapes it. */
function stateOf({ u_weight, i_weight, u_bias, i_bias }: Record<string, number[][]>, dtype: 'F32' | 'F64'): Record<string, Tensor> {
  const tensor = (rows: (number | number[])[]) => {
    const values = rows.flat();
    const shape = [rows.length, values.length / rows.length];
    return dtype === 'F32' ? { dtype, shape, data: Float32Array.from(values) } : { dtype, shape, data: Float64Array.from(values) };
  };
  return {
    'u_weight.weight': tensor(u_weight),
    'i_weight.weight': tensor(i_weight),
    'u_bias.weight': tensor(u_bias),
    'i_bias.weight': tensor(i_bias),
  };
}

const state = stateOf(params, 'F32');
const options: ImportOptions = {
  users: ['#na#', ...Array.from({ length: nUsers - 1 }, (_, k) => 10 * (k + 1))],
  items: ['#na#', ...Array.from({ length: nItems - 1 }, (_, k) => `Film ${k + 1}`)],
  yRange: [0, 5.5],
};

for (const dtype of ['F32', 'F64'] as const) {
  test(`${dtype} weights predict what PyTorch does, also after a file of each kind`, async () => {
    if (gpu === null) return;
    const read = readSafetensors(writeSafetensors(stateOf(params, dtype))).tensors;
    for (const { y_range: yRange, pred } of cases) {
      const model = await loadModel(writeModel(importWeights(read, { ...options, yRange })), { gpu });
      const predicted = await model.predict(
        users.map((row: number) => options.users[row]),
        items.map((row: number) => options.items[row]),
        { unknown: 'na' },
      );
      const worst = Math.max(...predicted.map((value, k) => Math.abs(value - pred[k])));
      assert.ok(worst < 2e-6, `off by ${worst} with ${yRange}`);
      model.release();
    }
  });
}

test('trained weights predict what float64 says, for every pair', async () => {
  if (gpu === null) return;
  const { runs } = readFixture('train60.json');
  const { u_weight: u, i_weight: i, u_bias: ub, i_bias: ib } = runs[0].final_params;
  const ids = (n: number) => ['#na#', ...Array.from({ length: n - 1 }, (_, k) => k + 1)];
  const model = await loadModel(
    importWeights(stateOf(runs[0].final_params, 'F64'), { users: ids(u.length), items: ids(i.length), yRange: [0, 5.5] }),
    { gpu },
  );
  const pairs = u.flatMap((_: unknown, a: number) => i.map((__: unknown, b: number) => [a, b])) as [number, number][];
  const predicted = await model.predictRows(
    pairs.map(([a]) => a),
    pairs.map(([, b]) => b),
    { unknown: 'na' },
  );
  pairs.forEach(([a, b], k) => {
    const z = u[a].reduce((sum: number, value: number, f: number) => sum + value * i[b][f], ub[a] + ib[b]);
    assert.ok(Math.abs(predicted[k] - 5.5 / (1 + Math.exp(-z))) < 2e-6, `user ${a}, item ${b}`);
  });
});

test('ids, titles and range are kept, and whole numbers written as text become numbers', () => {
  const text = importWeights(state, { ...options, users: options.users.map(String), titles: new Map([['Film 2', 'Zwei']]) });
  const { users: userIds, items: itemIds, titles, score, range, train, shape } = decodeModel(writeModel(text));
  assert.equal(userIds.ids, options.users);
  assert.equal(itemIds.ids, options.items);
  assert.equal([...titles!], [['Film 2', 'Zwei']]);
  assert.equal([score.name, range.name, range.bounds], ['dotProduct', 'sigmoidRange', [0, 5.5]]);
  assert.is(train, undefined);
  assert.equal(shape, { nUsers, nItems, nFactors: 5, hasBias: true });
  const leadingZero = importWeights(state, { ...options, users: ['#na#', '01', ...options.users.slice(2).map(String)] });
  assert.is(leadingZero.users.idOf(1), '01');
  assert.is(leadingZero.users.idOf(2), '20');
});

const f32 = (shape: number[], fill = 0): Tensor => ({
  dtype: 'F32',
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill),
});
const changed = (change: Partial<Record<string, Tensor>>) => ({ state: { ...state, ...change } as Record<string, Tensor> });
const wrong: [name: string, input: { state?: Record<string, Tensor> } & Partial<ImportOptions>, message: RegExp][] = [
  ['no tensors', { state: {} }, /u_weight\.weight is missing; the state dict has no tensors/],
  [
    'tensors of another model',
    { state: { 'embeds.0.weight': f32([7, 5]) } },
    /u_weight\.weight is missing; the state dict has embeds\.0\.weight\./,
  ],
  [
    'no biases',
    { state: Object.fromEntries(Object.entries(state).filter(([name]) => name !== 'i_bias.weight')) },
    /i_bias\.weight is missing/,
  ],
  ['integers', changed({ 'u_bias.weight': { dtype: 'I32', shape: [nUsers, 1], data: new Int32Array(nUsers) } }), /u_bias\.weight is I32/],
  ['a flat bias', changed({ 'u_bias.weight': f32([nUsers]) }), /u_bias\.weight has the shape \[7\], not \[rows, 1\]/],
  ['a wide bias', changed({ 'i_bias.weight': f32([nItems, 2]) }), /i_bias\.weight has the shape \[9,2\], not \[rows, 1\]/],
  ['no factors', changed({ 'u_weight.weight': f32([nUsers, 0]) }), /has the shape \[7,0\]/],
  ['other factors', changed({ 'i_weight.weight': f32([nItems, 4]) }), /u_weight\.weight has 5 factors, but i_weight\.weight has 4/],
  ['a bias too many', changed({ 'u_bias.weight': f32([nUsers + 1, 1]) }), /u_bias\.weight has 8 rows, but the list of users has 7 ids/],
  ['a NaN', changed({ 'i_weight.weight': f32([nItems, 5], NaN) }), /i_weight\.weight holds NaN in row 0/],
  [
    'a float64 beyond float32',
    changed({ 'u_bias.weight': { dtype: 'F64', shape: [nUsers, 1], data: new Float64Array(nUsers).fill(1e300) } }),
    /holds 1e\+300/,
  ],
  [
    'an id too few',
    { items: options.items.slice(0, -1) },
    /i_weight\.weight has 9 rows, but the list of items has 8 ids \("#na#" included\)/,
  ],
  ['a list without #na#', { users: options.users.slice(1) }, /users are not a list of ids that begins with "#na#"/],
  ['no list', { users: {} as unknown[] }, /users are not a list/],
  ['an id twice', { users: ['#na#', 10, ...options.users.slice(1, -1)] }, /the id 10 occurs twice among the users/],
  ['a fraction', { users: ['#na#', 1.5, ...options.users.slice(2)] }, /row 1 of the users is 1\.5, which is not an id/],
  ['null', { items: ['#na#', null, ...options.items.slice(2)] }, /row 1 of the items is null/],
  ['text among numbers', { users: [...options.users.slice(0, -1), 'x'] }, /users are numbers, but row 6 is "x"/],
];
for (const [name, { state: tensors = state, ...rest }, message] of wrong) {
  test(`refused: ${name}`, () =>
    assertRefused(
      () => importWeights(tensors, { ...options, ...rest }),
      new RegExp(`^The weights cannot be imported: .*${message.source}`),
      FileFormatError,
    ));
}

test('refused: a range that is none', () =>
  assertRefused(() => importWeights(state, { ...options, yRange: [5, 0] }), /yRange must be two finite numbers, lo < hi, not \[5, 0\]/));

test.run();
