import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Deal, dealEvenly, dealItems, dealUsers } from '../../src/data/deal.js';

const counts = fc.array(fc.nat(200), { minLength: 1, maxLength: 300 }).map((list) => Uint32Array.from(list));
const nBlocks = fc.constantFrom(1, 2, 3, 4, 8, 16);

/** Every row has one place, and rows ascend in each block. */
function assertDeal({ nBlocks, block, place, rows, start }: Deal, nRows: number): void {
  assert.is(block.length, nRows);
  assert.equal(
    [...rows].sort((a, b) => a - b),
    Array.from({ length: nRows }, (_, row) => row),
  );
  assert.equal([start[0], start[nBlocks]], [0, nRows]);
  for (let b = 0; b < nBlocks; b++) {
    for (let k = start[b]; k < start[b + 1]; k++) {
      assert.ok(k === start[b] || rows[k - 1] < rows[k]);
      assert.equal([block[rows[k]], place[rows[k]]], [b, k - start[b]]);
    }
  }
}

test('a deal gives every row one place', () => {
  fc.assert(
    fc.property(counts, nBlocks, (counts, n) => {
      for (const deal of [dealUsers(counts, n), dealItems(counts, n), dealEvenly(counts.length, n)]) assertDeal(deal, counts.length);
    }),
  );
});

test('users are dealt by ratings: two blocks differ by no more than the keenest user of the fuller has', () => {
  fc.assert(
    fc.property(counts, nBlocks, (counts, n) => {
      const { block } = dealUsers(counts, n);
      const sums = new Array<number>(n).fill(0);
      counts.forEach((count, row) => (sums[block[row]] += count));
      assert.ok(Math.max(...sums) - Math.min(...sums) <= Math.max(...counts));
    }),
  );
});

test('items are dealt to and fro, so that the rows of two blocks differ by one at most', () => {
  assert.equal([...dealItems(Uint32Array.of(0, 9, 8, 7, 6, 5), 2).block], [1, 0, 1, 1, 0, 0]);
  fc.assert(
    fc.property(counts, nBlocks, (counts, n) => {
      const { start } = dealItems(counts, n);
      const sizes = Array.from({ length: n }, (_, b) => start[b + 1] - start[b]);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  );
});

test('users without ratings go to the blocks with the fewest rows', () => {
  const { start } = dealUsers(Uint32Array.of(0, 0, 0, 0, 9, 3, 3, 3), 2);
  assert.equal([...start], [0, 4, 8]);
});

test.run();
