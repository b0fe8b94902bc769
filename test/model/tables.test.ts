import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBudgetError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { RowLayout } from '../../src/model/layout.js';
import { EmbeddingTables, type ModelState } from '../../src/model/tables.js';
import { freshNullDevice } from '../helpers/null-device.js';
import { sharedGpu } from '../helpers/gpu.js';
import { randomTables, sameBits } from '../helpers/training.js';

const gpu = await sharedGpu();
const TABLES = ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const;
const shapes = [1, 3, 4, 5, 40].flatMap((nFactors) => [true, false].map((hasBias) => ({ nUsers: 3, nItems: 4, nFactors, hasBias })));

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

for (const nCopies of [1, 2] as const) {
  for (const nState of [0, 1, 2] as const) {
    test(`tables and state come back bit for bit: ${nCopies} copies, ${nState} numbers of state`, async () => {
      const before = gpu.allocated;
      const model = new EmbeddingTables(gpu, shapes[6], { nCopies, nState });
      assert.is(gpu.allocated - before, 4 * (nCopies + nState) * model.layout.nParams);
      const tables = randomTables(shapes[6], 4);
      model.writeTables(tables);
      const back = await model.readTables();
      for (const name of TABLES) assert.ok(sameBits(back[name], tables[name]), name);
      const state = await model.readState();
      const names = ['param', 'm', 'v'].slice(0, 1 + nState) as ('param' | 'm' | 'v')[];
      assert.equal(Object.keys(state), names);
      for (const name of names.slice(1)) assert.ok(state[name]!.every((value) => value === 0));
      const other = Object.fromEntries(names.map((name, k) => [name, state[name]!.map((p, i) => p + k * i + 1)])) as unknown as ModelState;
      model.writeState(other);
      const again = await model.readState();
      for (const name of names) assert.ok(sameBits(again[name]!, other[name]!), name);
      model.release();
      model.release();
      assert.is(gpu.allocated, before);
    });
  }
}

test('tables of a wrong length, or with what is no number, are refused by name', () => {
  const model = new EmbeddingTables(gpu, shapes[6], { nState: 1 });
  const tables = randomTables(shapes[6], 4);
  const { nParams } = model.layout;
  assert.throws(() => model.writeTables({ ...tables, itemBias: new Float32Array(3) }), /^itemBias must hold 4 values, not 3\.$/);
  assert.throws(
    () => model.writeTables({ ...tables, userBias: Float32Array.of(1, NaN, 1) }),
    /^userBias\[1\] is NaN, not a finite number up to 1000000000000000\.$/,
  );
  assert.throws(() => model.writeState({ param: new Float32Array(1) }), /^param must hold \d+ values, not 1\.$/);
  assert.throws(() => model.writeState({ param: new Float32Array(nParams) }), /^m must hold \d+ values, not undefined\.$/);
  model.release();
});

test('a model over the budget is refused before anything is allocated', async () => {
  const small = Gpu.borrow(await freshNullDevice(), { memoryBudget: 10_000 });
  const shape = { nUsers: 100, nItems: 100, nFactors: 8, hasBias: true };
  assert.throws(
    () => new EmbeddingTables(small, shape, { nState: 2 }),
    (error: Error) =>
      error instanceof MemoryBudgetError &&
      /A model of 100 users, 100 items and 8 factors needs 0\.0 MiB .* budget of 0\.0 MiB/.test(error.message),
  );
  assert.is(small.allocated, 0);
});

test.run();
