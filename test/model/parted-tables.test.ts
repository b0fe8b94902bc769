import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBudgetError } from '../../src/base/errors.js';
import { dealEvenly, dealItems, dealUsers } from '../../src/data/deal.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { RowLayout } from '../../src/model/layout.js';
import { PartedTables, partShape, partsNeeded } from '../../src/model/parted-tables.js';
import type { Block, TableSide } from '../../src/model/table-side.js';
import type { ModelState } from '../../src/model/tables.js';
import { sharedGpu } from '../helpers/gpu.js';
import { freshNullDevice } from '../helpers/null-device.js';
import { randomTables, sameBits } from '../helpers/training.js';

const gpu = await sharedGpu();
const counts = (maxLength: number) => fc.array(fc.nat(50), { minLength: 1, maxLength }).map((list) => Uint32Array.from(list));
/** Blocks, and the parts that have them. */
const division = fc.constantFrom(2, 3, 4, 8).chain((nBlocks) => {
  return fc.record({ nBlocks: fc.constant(nBlocks), nParts: fc.constantFrom(...[1, 2, 3, 4, 8].filter((n) => nBlocks % n === 0)) });
});
const model = fc.record({
  users: counts(40),
  items: counts(40),
  division,
  nFactors: fc.integer({ min: 1, max: 5 }),
  hasBias: fc.boolean(),
});

function made({ users, items, division: { nBlocks, nParts }, nFactors, hasBias }: typeof model extends fc.Arbitrary<infer T> ? T : never) {
  const shape = { nUsers: users.length, nItems: items.length, nFactors, hasBias };
  const deals = { users: dealUsers(users, nBlocks), items: dealItems(items, nBlocks) };
  return { shape, deals, nParts, tables: new PartedTables(gpu, shape, deals, nParts, { nCopies: 2, nState: 2 }) };
}

/** A state of which no two numbers of a row's factors are equal; padding is zero. */
function numbered(layout: RowLayout): ModelState {
  const array = (first: number) => Float32Array.from({ length: layout.nParams }, (_, i) => first + i);
  return { param: array(1), m: array(10_001), v: array(20_001) };
}

const sameState = (a: ModelState, b: ModelState) => (['param', 'm', 'v'] as const).every((name) => sameBits(a[name]!, b[name]!));

test('tables and state in parts come back bit for bit, as those of the whole model', async () => {
  await fc.assert(
    fc.asyncProperty(model, async (input) => {
      const before = gpu.allocated;
      const { shape, tables } = made(input);
      const written = new RowLayout(shape).unpack(new RowLayout(shape).pack(randomTables(shape, 1)));
      tables.writeTables(written);
      assert.equal(await tables.readTables(), written);
      assert.ok(sameBits((await tables.readState()).param, tables.layout.pack(written)));
      const state = numbered(tables.layout);
      tables.writeState(state);
      assert.ok(sameState(await tables.readState(), state));
      tables.release();
      tables.release();
      assert.is(gpu.allocated, before);
    }),
    { numRuns: 15 },
  );
});

test('after any number of moves each block is where it is said to be, and after a pass, or home(), all are at home', async () => {
  const everywhere = async (
    { deal, blocks }: TableSide,
    read: (block: Block) => Promise<ArrayLike<number>>,
    first: number,
    stride: number,
  ) => {
    for (const [b, block] of blocks.entries()) {
      const rows = deal!.rows.subarray(deal!.start[b], deal!.start[b + 1]);
      assert.is(block.nRows, rows.length);
      const found = await read(block);
      rows.forEach((row, k) => assert.is(found[k * stride], 1 + (first + row) * stride));
    }
  };
  await fc.assert(
    fc.asyncProperty(model, fc.nat(9), async (input, nMoves) => {
      const { shape, tables, deals, nParts } = made(input);
      const { rowStride } = tables.layout;
      const state = numbered(tables.layout);
      tables.writeState(state);
      const { nBlocks } = deals.items;
      const start = tables.items.blocks;
      const { version } = tables;
      for (let k = 0; k < nMoves; k++) tables.moveItems();
      assert.is(tables.version, version, 'moves change no parameter');
      const read = ({ buffer, firstRow, nRows }: Block) => gpu.readFloats(buffer, firstRow * rowStride, nRows * rowStride);
      await everywhere(tables.users, read, 0, rowStride);
      await everywhere(tables.items, read, shape.nUsers, rowStride);
      // In round k the part with user block u has item block (u + k) mod S.
      for (let u = 0; u < nBlocks; u++) {
        assert.is(tables.items.blocks[(u + nMoves) % nBlocks].buffer, tables.users.blocks[u].buffer);
      }
      assert.ok(sameState(await tables.readState(), state));
      if (nMoves % 2 === 0) tables.writeState(state);
      await tables.home();
      assert.equal(tables.items.blocks, start);
      for (let k = 0; k < nBlocks; k++) tables.moveItems();
      assert.equal(tables.items.blocks, start);
      assert.ok(sameState(await tables.readState(), state));
      // Rows of a part are the same for the whole run.
      const { nUsers } = partShape(shape, deals, nParts);
      tables.localUser.forEach((local, row) => {
        assert.is(local, tables.users.blocks[deals.users.block[row]].firstRow + deals.users.place[row]);
      });
      tables.localItem.forEach((local, row) => {
        assert.is(nUsers + local, start[deals.items.block[row]].firstRow + deals.items.place[row]);
      });
      tables.release();
    }),
    { numRuns: 15 },
  );
});

test('a model needs the fewest parts of which a binding holds one copy, and as many as divide its blocks', () => {
  const shape = { nUsers: 1000, nItems: 600, nFactors: 4, hasBias: true };
  const deals = { users: dealEvenly(1000, 6), items: dealEvenly(600, 6) };
  const needed = (maxBinding: number) => partsNeeded({ maxBinding }, shape, deals);
  const bytes = (nParts: number) => 4 * new RowLayout(partShape(shape, deals, nParts)).nParams;
  assert.is(needed(32 * 1600), 1);
  assert.is(needed(32 * 1600 - 1), 2);
  assert.is(needed(bytes(2)), 2);
  assert.is(needed(bytes(2) - 1), 3);
  assert.is(needed(bytes(3) - 1), 6, '4 and 5 do not divide 6');
  assert.is(needed(bytes(6)), 6);
  assert.is(needed(bytes(6) - 1), undefined);
});

test('a model in parts that is over the budget, or has blocks that cannot be dealt, is refused before anything is allocated', async () => {
  const shape = { nUsers: 100, nItems: 100, nFactors: 8, hasBias: true };
  const deals = { users: dealEvenly(100, 4), items: dealEvenly(100, 4) };
  const small = Gpu.borrow(await freshNullDevice(), { memoryBudget: 20_000 });
  assert.throws(
    () => new PartedTables(small, shape, deals, 2, { nState: 2 }),
    (error: Error) =>
      error instanceof MemoryBudgetError &&
      error.message.startsWith('A model of 100 users, 100 items and 8 factors in 2 parts needs 0.0 MiB'),
  );
  assert.throws(() => new PartedTables(small, shape, deals, 3), /^4 blocks of users and 4 of items cannot be dealt to 3 parts\.$/);
  assert.throws(() => new PartedTables(small, shape, { ...deals, items: dealEvenly(100, 2) }, 2), /^4 blocks of users and 2 of items/);
  assert.is(small.allocated, 0);
});

test.run();
