import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rating, Touch } from '../../shaders/ops/structs.js';
import { BatchGrouper } from '../../src/data/batches.js';
import { fillPermutation } from '../../src/base/random.js';
import { randomRatings } from '../helpers/training.js';

const problems = fc.record({
  nUsers: fc.integer({ min: 1, max: 20 }),
  nItems: fc.integer({ min: 1, max: 20 }),
  batchSize: fc.integer({ min: 1, max: 40 }),
  nSteps: fc.integer({ min: 1, max: 4 }),
  first: fc.integer({ min: 0, max: 3 }),
  seed: fc.nat(1000),
});

/** Where batches begin in an epoch, and where the last one ends. */
const starts = (first: number, nSteps: number, batchSize: number) =>
  Uint32Array.from({ length: nSteps + 1 }, (_, s) => (first + s) * batchSize);

test("a chunk holds the batches of the epoch, each rating once in its user's group and once in its item's", () => {
  fc.assert(
    fc.property(problems, ({ nUsers, nItems, batchSize, nSteps, first, seed }) => {
      const train = randomRatings({ nUsers, nItems }, batchSize * 8, seed);
      const order = new Uint32Array(train.ratings.length);
      fillPermutation(order, seed);
      const grouper = new BatchGrouper(train, nUsers, nItems, batchSize, 4);
      grouper.group(order, starts(3 - first, 4, batchSize)); // what the call before leaves must not matter
      const chunk = grouper.group(order, starts(first, nSteps, batchSize));
      const { words, floats } = chunk.ratings;
      const rowOf = (k: number, isItem: number) => words[Rating.size * k + (isItem ? Rating.at.item : Rating.at.user)];

      assert.is(chunk.nSteps, nSteps);
      assert.is(chunk.members.length, 2 * nSteps * batchSize);
      for (let k = 0; k < nSteps * batchSize; k++) {
        const row = order[first * batchSize + k];
        assert.equal(
          [rowOf(k, 0), rowOf(k, 1), floats[Rating.size * k + Rating.at.y]],
          [train.users[row], nUsers + train.items[row], train.ratings[row]],
        );
      }

      assert.is(chunk.touchStart.length, nSteps + 1);
      let member = 0;
      for (let step = 0; step < nSteps; step++) {
        const seen = [new Set<number>(), new Set<number>()];
        const rows = new Set<number>();
        for (let t = chunk.touchStart[step]; t < chunk.touchStart[step + 1]; t++) {
          const at = Touch.size * t;
          const [row, begin, end, isItem] = (['row', 'begin', 'end', 'isItem'] as const).map(
            (field) => chunk.touches.words[at + Touch.at[field]],
          );
          assert.is(begin, member, 'groups follow each other');
          assert.ok(end > begin);
          member = end;
          assert.is(isItem, row >= nUsers ? 1 : 0);
          assert.not(rows.has(row), 'one group for each row');
          rows.add(row);
          let last = -1;
          for (const k of chunk.members.subarray(begin, end)) {
            assert.ok(k > last, 'in the order of the batch');
            last = k;
            assert.is(Math.floor(k / batchSize), step);
            assert.is(rowOf(k, isItem), row);
            seen[isItem].add(k);
          }
        }
        assert.is(member, 2 * (step + 1) * batchSize);
        assert.equal(
          seen.map((set) => set.size),
          [batchSize, batchSize],
        );
      }
    }),
    { numRuns: 200 },
  );
});

test.run();
