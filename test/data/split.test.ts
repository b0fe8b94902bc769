import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { randomSplit, rowsWhere, type Split, type SplitOptions, splitRows } from '../../src/data/split.js';

const seeds = fc.integer({ min: 0, max: 0xffffffff });
const shares = fc.double({ min: 0, max: 0.99, noNaN: true });
const sorted = (rows: Iterable<number>) => [...rows].sort((a, b) => a - b);
const range = (n: number) => Array.from({ length: n }, (_, row) => row);

/** Asserts that the two parts together hold each of the rows once. */
function assertCovers({ train, valid }: Split, rows: readonly number[]): void {
  assert.equal(sorted([...train, ...valid]), sorted(rows));
}

test('a random split is a partition into floor(validPct n) rows and the rest, each part ascending', () => {
  fc.assert(
    fc.property(fc.nat(300), shares, seeds, (n, validPct, seed) => {
      const { train, valid } = randomSplit(n, validPct, seed);
      assertCovers({ train, valid }, range(n));
      assert.is(valid.length, Math.floor(validPct * n));
      for (const part of [train, valid]) assert.equal([...part], sorted(part));
    }),
    { seed: 3 },
  );
});

test('the first rows of the permutation are the validation set: a larger share keeps a smaller one', () => {
  const valid = (validPct: number) => new Set(randomSplit(1000, validPct, 7).valid);
  const larger = valid(0.3);
  for (const row of valid(0.1)) assert.ok(larger.has(row));
});

/** Rows 0 to n - 1 of which some are dropped, and some in any order are named. */
const problems = fc.integer({ min: 1, max: 40 }).chain((n) =>
  fc.record({
    n: fc.constant(n),
    dropped: fc.array(fc.nat(1), { minLength: n, maxLength: n }).map((marks) => Uint8Array.from(marks)),
    named: fc.shuffledSubarray(range(n)),
    cut: fc.nat(n),
    validPct: shares,
    seed: seeds,
  }),
);

test('any split covers each row that is not dropped once: at random, by either part, or by both', () => {
  fc.assert(
    fc.property(problems, ({ n, dropped, named, cut, validPct, seed }) => {
      const isKept = (row: number) => dropped[row] === 0;
      const kept = range(n).filter(isKept);
      const split = (options: SplitOptions) => splitRows(n, dropped, seed, options);
      const random = split({ validPct });
      assertCovers(random, kept);
      assert.is(random.valid.length, Math.floor(validPct * kept.length));

      const byTrain = split({ trainIndex: named });
      assertCovers(byTrain, kept);
      assert.equal([...byTrain.train], named.filter(isKept), 'in the order given');
      const byValid = split({ validIndex: Uint32Array.from(named) });
      assertCovers(byValid, kept);
      assert.equal([...byValid.valid], named.filter(isKept), 'in the order given');

      const both = split({ trainIndex: named.slice(cut), validIndex: named.slice(0, cut) });
      assertCovers(both, named.filter(isKept));
    }),
  );
});

test('options that make no split are refused', () => {
  const split = (options: SplitOptions) => () => splitRows(6, new Uint8Array(6), 1, options);
  for (const validPct of [1, -0.1, NaN, 20]) assert.throws(split({ validPct }), /validPct must lie in \[0, 1\)/);
  for (const row of [-1, 6, 0.5, NaN]) assert.throws(split({ trainIndex: [0, row] }), /trainIndex\[1\] is .*, not a row from 0 to 5/);
  assert.throws(split({ validIndex: [2, 2] }), /validIndex\[1\] names row 2 a second time/);
  assert.throws(split({ trainIndex: [0, 3], validIndex: [1, 3] }), /Row 3 is in trainIndex and in validIndex/);
  assert.throws(split({ validPct: 0.5, validIndex: [1] }), /not both/);
  for (const seed of [1.5, NaN, -1]) assert.throws(() => randomSplit(9, 0.5, seed), /seed must be a whole number/);
});

test('the rows that are wanted are found in order', () => {
  assert.equal([...rowsWhere(7, (row) => row % 3 === 0)], [0, 3, 6]);
  assert.equal([...rowsWhere(0, () => true)], []);
});

test.run();
