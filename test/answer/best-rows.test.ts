import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bestRows } from '../../src/answer/best-rows.js';

test('the best rows are those of a whole sort, equal scores by row, without those at -Infinity', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(-Infinity)), { maxLength: 30 }),
      fc.integer({ min: 1, max: 40 }),
      (scores, n) => {
        const sorted = scores.map((score, row) => ({ score, row })).filter(({ score }) => score > -Infinity);
        sorted.sort((a, b) => b.score - a.score || a.row - b.row);
        assert.equal(
          bestRows(Float64Array.from(scores), n),
          sorted.slice(0, n).map(({ row }) => row),
        );
      },
    ),
  );
});

test.run();
