import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { constant, lrSweep, oneCycle } from '../../src/schedule/schedule.js';
import { rates, StepTable } from '../../src/steps/step-table.js';
import { randomSource } from '../helpers/random.js';
import { stepOptions } from '../helpers/training.js';

const N_STEPS = 5000;
const SCHEDULES = {
  'one cycle': oneCycle({ totalSteps: N_STEPS, lrMax: 0.01 }),
  constant: constant({ totalSteps: N_STEPS, lr: 0.003 }),
  sweep: lrSweep({ startLr: 1e-7, endLr: 1, numIt: N_STEPS }),
};
/** Places in the ratings, as long as a window of so many batches has. */
const touchStarts = (nBatches: number) => Uint32Array.from({ length: nBatches + 1 }, (_, s) => 7 * s + 3);

for (const [scheduleName, schedule] of Object.entries(SCHEDULES)) {
  for (const optimizer of [adam(), adam({ beta2: 0.999, eps: 1e-5 }), sgd({ momentum: true }), sgd()]) {
    for (const wdBias of [0.1, 0.3]) {
      test(`windows anywhere have the words of the whole schedule: ${optimizer.name}, ${scheduleName}, decay of biases ${wdBias}`, () => {
        const options = stepOptions({ optimizer, wd: 0.1, wdBias });
        const tableOf = () => new StepTable(schedule, options, optimizer.idle!, 17);
        const whole = tableOf().slice(0, touchStarts(N_STEPS));
        const size = whole.length / (N_STEPS + 1);
        assert.ok(new Float32Array(whole.buffer).every(Number.isFinite));
        const table = tableOf();
        const random = randomSource(1);
        const starts = Array.from({ length: 30 }, () => Math.floor(random() * N_STEPS));
        for (const step of [0, 1, 1023, 1024, N_STEPS - 1, ...starts]) {
          const nBatches = Math.min(N_STEPS - step, 1 + Math.floor(random() ** 2 * 1500));
          // Counted from the start of the whole, so that the words of firstTouch agree too.
          const touchStart = touchStarts(N_STEPS).slice(step, step + nBatches + 1);
          const words = table.slice(step, touchStart);
          assert.is(words.length, (nBatches + 1) * size);
          const wanted = whole.subarray(step * size, (step + nBatches + 1) * size);
          assert.ok(
            words.every((word, i) => word === wanted[i]),
            `steps ${step} to ${step + nBatches}`,
          );
        }
      });
    }
  }
}

test('the step after the last has no rate, whatever stood there in the window before', () => {
  const optimizer = sgd({ momentum: true });
  const table = new StepTable(constant({ totalSteps: 9, lr: 0.1 }), stepOptions({ optimizer }), optimizer.idle!, 0);
  const [before, last] = [table.slice(4, touchStarts(2)).slice(), table.slice(7, touchStarts(2)).slice()];
  const size = before.length / 3;
  const lr = (words: Uint32Array, s: number) => new Float32Array(words.buffer)[s * size];
  assert.equal([lr(before, 2), lr(last, 1), lr(last, 2)], [Math.fround(0.1), Math.fround(0.1), 0]);
});

test("rates are the optimiser's, counted from its steps before", () => {
  const optimizer = adam();
  const schedule = SCHEDULES['one cycle'];
  const seen: unknown[] = [];
  rates(optimizer, schedule, 100, [5, 8], (step, rate) => seen.push([step, rate]));
  assert.equal(
    seen,
    [5, 6, 7].map((step) => [step, optimizer.rate(schedule.lr[step], schedule.beta1[step], 101 + step)]),
  );
});

test.run();
