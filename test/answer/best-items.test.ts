import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BestItems } from '../../src/answer/best-items.js';

/** Scores of items, few of them different, in blocks, each in lists; the items of each list are some of its block's. */
const cases = fc.record({
  nUsers: fc.integer({ min: 1, max: 3 }),
  nKept: fc.integer({ min: 1, max: 6 }),
  nLists: fc.integer({ min: 1, max: 3 }),
  blocks: fc.array(fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 12 }), { maxLength: 4 }),
});

test('lists of parts of the items, offered one after the other, give the best of all: by score, equal ones by row', () => {
  fc.assert(
    fc.property(cases, ({ nUsers, nKept, nLists, blocks }) => {
      const best = new BestItems(nUsers, nKept);
      const all: { z: number; row: number }[][] = Array.from({ length: nUsers }, () => []);
      blocks.forEach((scores, b) => {
        const z = new Float32Array(nUsers * nLists * nKept);
        const items = new Uint32Array(z.length);
        // Item k of block b, counted from 1, is row blocks.length k + b: rows of blocks alternate.
        const rowOf = (item: number) => blocks.length * item + b;
        for (let user = 0; user < nUsers; user++) {
          for (let list = 0; list < nLists; list++) {
            const own = scores.map((score, k) => ({ z: (score + user) % 3, item: k + 1 })).filter(({ item }) => item % nLists === list);
            own.sort((x, y) => y.z - x.z || x.item - y.item);
            own.slice(0, nKept).forEach((each, place) => {
              z[(user * nLists + list) * nKept + place] = each.z;
              items[(user * nLists + list) * nKept + place] = each.item;
            });
            all[user].push(...own.map((each) => ({ z: each.z, row: rowOf(each.item) })));
          }
        }
        best.offer(z, items, nLists, rowOf);
      });
      all.forEach((list, user) => {
        const wanted = list.sort((x, y) => y.z - x.z || x.row - y.row).slice(0, nKept);
        const places = Array.from({ length: nKept }, (_, place) => user * nKept + place);
        const found = places.map((at) => ({ z: best.z[at], row: best.rows[at] })).filter(({ row }) => row !== 0);
        assert.equal(found, wanted);
      });
    }),
  );
});

test.run();
