import { RowLayout } from '../../src/model/layout.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBudgetError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { EmbeddingTables } from '../../src/model/tables.js';
import { nullDevice } from '../helpers/null-device.js';
import { sharedGpu } from '../helpers/gpu.js';
import { randomTables, sameBits } from '../helpers/training.js';

const gpu = await sharedGpu();
const shapes = [1, 3, 4, 5, 40].flatMap((nFactors) => [true, false].map((bias) => ({ nUsers: 3, nItems: 4, nFactors, bias })));

for (const shape of shapes) {
  test(`tables survive the packed layout: ${shape.nFactors} factors, ${shape.hasBias ? 'bias' : 'no bias'}`, () => {
    const layout = new RowLayout(shape);
    const tables = randomTables(shape, 1);
    const packed = layout.pack(tables);
    assert.is(packed.length, 7 * layout.rowStride);
    assert.is(layout.rowStride % 4, 0);
    const back = layout.unpack(packed);
    assert.ok(sameBits(back.userFactors, tables.userFactors) && sameBits(back.itemFactors, tables.itemFactors));
    assert.ok(sameBits(back.userBias, shape.hasBias ? tables.userBias : new Float32Array(3)));
    assert.ok(sameBits(back.itemBias, shape.hasBias ? tables.itemBias : new Float32Array(4)));
    // item row 2 stands after the three user rows
    assert.is(packed[5 * layout.rowStride], tables.itemFactors[2 * shape.nFactors]);
    if (shape.hasBias) assert.is(packed[5 * layout.rowStride + layout.biasColumn], tables.itemBias[2]);
    assert.is(packed.filter((value) => value !== 0).length, 7 * (shape.nFactors + (shape.hasBias ? 1 : 0)), 'padding is zero');
  });
}

test('tables and state come back from the device bit for bit', async () => {
  const shape = shapes[6];
  for (const nCopies of [1, 2] as const) {
    const model = new EmbeddingTables(gpu, shape, nCopies);
    const tables = randomTables(shape, 4);
    model.writeTables(tables);
    const back = await model.readTables();
    for (const name of ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const) assert.ok(sameBits(back[name], tables[name]), name);
    const state = await model.readState();
    assert.ok(state.m.every((value) => value === 0) && state.v.every((value) => value === 0));
    const other = { param: state.param.map((p) => p + 1), m: state.m.map((_, i) => i), v: state.v.map((_, i) => 2 * i) };
    model.writeState(other);
    const again = await model.readState();
    for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(again[name], other[name]), name);
    model.release();
  }
});

test('tables of a wrong length are refused by name', () => {
  const model = new EmbeddingTables(gpu, shapes[6]);
  const tables = randomTables(shapes[6], 4);
  assert.throws(() => model.writeTables({ ...tables, itemBias: new Float32Array(3) }), /itemBias must hold 4 values, not 3/);
  assert.throws(
    () => model.writeState({ param: new Float32Array(1), m: new Float32Array(1), v: new Float32Array(1) }),
    /param must hold \d+ values, not 1/,
  );
  model.release();
});

test('a model over the budget is refused before anything is allocated', async () => {
  const small = Gpu.borrow(await nullDevice(), { memoryBudget: 10_000 });
  const shape = { nUsers: 100, nItems: 100, nFactors: 8, bias: true };
  assert.throws(
    () => new EmbeddingTables(small, shape),
    (error: Error) =>
      error instanceof MemoryBudgetError &&
      /A model of 100 users, 100 items and 8 factors needs 0\.0 MiB .* budget of 0\.0 MiB/.test(error.message),
  );
  assert.is(small.allocated, 0);
});

test('release gives all memory back', () => {
  const before = gpu.allocated;
  const model = new EmbeddingTables(gpu, shapes[0], 2);
  assert.is(gpu.allocated - before, 4 * 4 * model.layout.nParams);
  model.release();
  assert.is(gpu.allocated, before);
});

test.run();
