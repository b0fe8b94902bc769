import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RowTouch } from '../../shaders/ops/structs.js';
import { fillPermutation } from '../../src/base/random.js';
import { HostBatches, interleave } from '../../src/steps/host-batches.js';
import { randomRatings } from '../helpers/training.js';
import { assertWindow, windowSpec } from '../helpers/window-spec.js';

const problems = fc.record({
  nUsers: fc.integer({ min: 1, max: 40 }),
  nItems: fc.integer({ min: 1, max: 40 }),
  batchSize: fc.integer({ min: 1, max: 150 }),
  sizes: fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 12 }),
  first: fc.nat(50),
  isSorted: fc.boolean(),
  seed: fc.nat(1000),
});

test('windows of any steps, empty ones among them, are what they should be; a window before changes nothing', () => {
  fc.assert(
    fc.property(problems, ({ nUsers, nItems, batchSize, sizes, first, isSorted, seed }) => {
      const train = randomRatings({ nUsers, nItems }, 50 + batchSize * 12, seed);
      const order = new Uint32Array(train.ratings.length);
      fillPermutation(order, seed);
      // Percentages of a batch, the places of one step after those of another.
      const start = Uint32Array.from([0, ...sizes], (_, s) =>
        sizes.slice(0, s).reduce((at, size) => at + Math.floor((size * batchSize) / 100), first),
      );
      const batches = new HostBatches(interleave(train, nUsers), { nUsers, nRows: nUsers + nItems, batchSize, maxSteps: 12, isSorted });
      batches.build(
        order,
        Uint32Array.from({ length: 13 }, (_, s) => s * batchSize),
      );
      const made = batches.build(order, start);
      const window = order.subarray(start[0], start.at(-1));
      const from0 = start.map((place) => place - start[0]);
      assertWindow(windowSpec({ ...train, order: window, start: from0, nUsers, nRows: nUsers + nItems }), made);

      const counts = Array.from({ length: made.touches.length / RowTouch.size }, (_, t) => {
        const at = RowTouch.size * t;
        return made.touches[at + RowTouch.at.end] - made.touches[at + RowTouch.at.begin];
      });
      sizes.forEach((_, s) => {
        const users = made.firstTouch[s] + made.nUserTouches[s];
        const sides = [counts.slice(made.firstTouch[s], users), counts.slice(users, made.firstTouch[s + 1])];
        if (isSorted)
          for (const side of sides)
            assert.equal(
              side,
              side.slice().sort((a, b) => Math.min(b, 64) - Math.min(a, 64)),
            );
      });
    }),
    { numRuns: 200 },
  );
});

test.run();
