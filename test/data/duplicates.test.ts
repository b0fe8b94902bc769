import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/base/errors.js';
import type { RatingColumns } from '../../src/data/collab-data.js';
import { countDuplicates, findPairs, firstRows, latestRows, mergeDuplicates, type Pairs } from '../../src/data/duplicates.js';
import { encode } from '../../src/data/ids.js';
import { refusal } from '../helpers/refusal.js';

const pairsOf = ({ users, items }: RatingColumns): Pairs => findPairs(encode(users, 'user'), encode(items, 'item'));

/** (1, 7) in rows 0, 3 and 5; (2, 7) in row 1; (1, 8) in rows 2 and 4. */
const table = { users: [1, 2, 1, 1, 1, 1], items: [7, 7, 8, 7, 8, 7], ratings: [1, 2, 3, 4, 5, 0.5], timestamps: [9, 1, 5, 9, 5, 2] };
const pairs = pairsOf(table);

test('pairs are numbered by their first row', () => {
  assert.equal(pairs, { n: 3, ofRow: Uint32Array.of(0, 1, 2, 0, 2, 0) });
  assert.equal([...firstRows(pairs)], [0, 1, 2]);
  assert.equal([...latestRows(pairs, table.timestamps)], [3, 1, 4]);
  assert.equal([...latestRows(pairs)], [5, 1, 4]);
});

test('rows are of one pair if and only if user and item are the same', () => {
  const rows = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(rows, (each) => {
      const { n, ofRow } = pairsOf({ users: each.map(([user]) => user), items: each.map(([, item]) => item), ratings: each.map(() => 1) });
      const names = [...new Set(each.map(String))];
      assert.is(n, names.length);
      assert.equal(
        [...ofRow],
        each.map((pair) => names.indexOf(String(pair))),
      );
    }),
  );
});

/** Rows that are left, their ratings and timestamps. */
function merged(columns: RatingColumns, choice: 'keep' | 'last' | 'mean'): number[][] {
  const { columns: after, dropped } = mergeDuplicates(columns, pairsOf(columns), choice);
  const rows = [...dropped.keys()].filter((row) => dropped[row] === 0);
  return [rows, rows.map((row) => after.ratings[row]), ...(after.timestamps ? [rows.map((row) => after.timestamps![row])] : [])];
}

test('of each pair all, the last or the mean is kept', () => {
  const { timestamps: _, ...untimed } = table;
  assert.equal(merged(table, 'keep'), [[0, 1, 2, 3, 4, 5], table.ratings, table.timestamps]);
  assert.equal(merged(table, 'last'), [
    [1, 3, 4],
    [2, 4, 5],
    [1, 9, 5],
  ]);
  assert.equal(merged(untimed, 'last'), [
    [1, 4, 5],
    [2, 5, 0.5],
  ]);
  const mean = Math.fround(5.5 / 3);
  assert.equal(merged(table, 'mean'), [
    [0, 1, 2],
    [mean, 2, 4],
    [9, 1, 5],
  ]);
  assert.equal(merged(untimed, 'mean'), [
    [0, 1, 2],
    [mean, 2, 4],
  ]);
});

test('a pair that is rated twice is refused with both rows', async () => {
  const { message } = await refusal(() => mergeDuplicates(table, pairs, 'error'), DataError);
  assert.match(message, /^User 1 rates item 7 twice, in rows 0 and 3, counted from 0\. .*pass duplicates: 'keep' .* one of them\.$/);
  const once = { users: [1, 1], items: [1, 2], ratings: [1, 1] };
  assert.equal([...mergeDuplicates(once, pairsOf(once), 'error').dropped], [0, 0]);
});

test('pairs that are rated more than once are counted, and those on both sides', () => {
  const count = (train: number[], valid: number[]) => countDuplicates(pairs, Uint32Array.from(train), Uint32Array.from(valid));
  assert.equal(count([0, 3, 5, 1], [2, 4]), { pairs: 2, surplus: 3, onBothSides: 0 });
  assert.equal(count([0, 1, 2], [3, 4, 5]), { pairs: 2, surplus: 3, onBothSides: 2 });
  const once = pairsOf({ users: [1, 1], items: [1, 2], ratings: [1, 1] });
  assert.equal(countDuplicates(once, Uint32Array.of(0), Uint32Array.of(1)), { pairs: 0, surplus: 0, onBothSides: 0 });
});

test.run();
