import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Pairs } from '../../src/data/duplicates.js';
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

/** No pair occurs twice. */
const each = (rows: number): Pairs => ({ n: rows, ofRow: Uint32Array.from(range(rows)) });

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
    seed: seeds,
  }),
);

test('a given split covers each row that is not dropped once: by either part, or by both', () => {
  fc.assert(
    fc.property(problems, ({ n, dropped, named, cut, seed }) => {
      const isKept = (row: number) => dropped[row] === 0;
      const kept = range(n).filter(isKept);
      const split = (options: SplitOptions) => splitRows(each(n), dropped, seed, options);

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

test('a random split divides pairs: all rows of a pair are on one side, or the one that is left of it', () => {
  const ofRow = fc.array(fc.nat(9), { minLength: 1, maxLength: 60 }).map((pairs) => {
    const names = [...new Set(pairs)];
    return { n: names.length, ofRow: Uint32Array.from(pairs, (pair) => names.indexOf(pair)) };
  });
  fc.assert(
    fc.property(ofRow, shares, seeds, (pairs, validPct, seed) => {
      const n = pairs.ofRow.length;
      const chosen = randomSplit(pairs.n, validPct, seed);
      const split = splitRows(pairs, new Uint8Array(n), seed, { validPct });
      assertCovers(split, range(n));
      for (const part of ['train', 'valid'] as const) {
        assert.equal([...split[part]], sorted(split[part]));
        assert.equal(sorted([...new Set(split[part].map((row) => pairs.ofRow[row]))]), [...chosen[part]]);
      }
      const isLast = (row: number) => pairs.ofRow.lastIndexOf(pairs.ofRow[row]) === row;
      const kept = range(n).filter(isLast);
      const once = splitRows(
        pairs,
        Uint8Array.from(range(n), (row) => (isLast(row) ? 0 : 1)),
        seed,
        { validPct },
      );
      assert.equal(
        [...once.valid],
        Array.from(chosen.valid, (k) => kept[k]),
      );
      assertCovers(once, kept);
    }),
  );
});

test('options that make no split are refused', () => {
  const split = (options: SplitOptions) => () => splitRows(each(6), new Uint8Array(6), 1, options);
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
