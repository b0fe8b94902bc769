import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RATING_SIZE, TOUCH_SIZE } from '../../shaders/ops/structs.js';
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

test("a chunk holds the batches of the epoch, each rating once in its user's group and once in its item's", () => {
  fc.assert(
    fc.property(problems, ({ nUsers, nItems, batchSize, nSteps, first, seed }) => {
      const train = randomRatings({ nUsers, nItems }, batchSize * 8, seed);
      const order = new Uint32Array(train.ratings.length);
      fillPermutation(order, seed);
      const grouper = new BatchGrouper(train, nUsers, nItems, batchSize, 4);
      grouper.group(order, 3 - first, 4); // what the call before leaves must not matter
      const chunk = grouper.group(order, first, nSteps);
      const floats = new Float32Array(chunk.ratings.buffer, chunk.ratings.byteOffset, chunk.ratings.length);

      assert.is(chunk.nSteps, nSteps);
      assert.is(chunk.ratings.length, RATING_SIZE * nSteps * batchSize);
      assert.is(chunk.members.length, 2 * nSteps * batchSize);
      for (let k = 0; k < nSteps * batchSize; k++) {
        const row = order[first * batchSize + k];
        assert.equal(
          [chunk.ratings[RATING_SIZE * k], chunk.ratings[RATING_SIZE * k + 1], floats[RATING_SIZE * k + 2]],
          [train.users[row], nUsers + train.items[row], train.ratings[row]],
        );
      }

      assert.is(chunk.touchStart.length, nSteps + 1);
      assert.is(chunk.touches.length, TOUCH_SIZE * chunk.touchStart[nSteps]);
      let member = 0;
      for (let step = 0; step < nSteps; step++) {
        const seen = [new Set<number>(), new Set<number>()];
        const rows = new Set<number>();
        for (let t = chunk.touchStart[step]; t < chunk.touchStart[step + 1]; t++) {
          const [row, begin, end, isItem] = chunk.touches.subarray(TOUCH_SIZE * t);
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
            assert.is(chunk.ratings[RATING_SIZE * k + isItem], row);
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
