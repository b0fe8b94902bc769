import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { decayBetween } from '../../shaders/ops/decay.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { stepStruct } from '../../shaders/ops/structs.js';
import { constant, lrSweep, oneCycle } from '../../src/schedule/schedule.js';
import { rates, StepTable } from '../../src/steps/step-table.js';
import { randomSource } from '../helpers/random.js';
import { assertClose, stepOptions } from '../helpers/training.js';

const N_STEPS = 5000;
const SCHEDULES = {
  'one cycle': oneCycle({ totalSteps: N_STEPS, lrMax: 0.01 }),
  constant: constant({ totalSteps: N_STEPS, lr: 0.003 }),
  sweep: lrSweep({ startLr: 1e-7, endLr: 1, numIt: N_STEPS }),
};
/** Touches of a window that begins at a step, as if each had its own. */
const touchesOf = (step: number, nSteps: number) => ({
  firstTouch: Uint32Array.from({ length: nSteps + 1 }, (_, s) => 7 * (step + s) + 3),
  firstMember: Uint32Array.from({ length: nSteps + 1 }, (_, s) => 5 * (step + s) + 1),
});

for (const [scheduleName, schedule] of Object.entries(SCHEDULES)) {
  for (const optimizer of [adam(), adam({ beta2: 0.999, eps: 1e-5 }), sgd({ momentum: true }), sgd()]) {
    for (const ownBiasDecay of [false, true]) {
      const what = `${optimizer.name}, ${scheduleName}${ownBiasDecay ? ', other decay of biases' : ''}`;
      const options = stepOptions({ optimizer, wd: 0.1, wdBias: ownBiasDecay ? 0.3 : 0.1 });
      const tableOf = () => new StepTable(schedule, options, optimizer.idle!, 17, ownBiasDecay);
      const Step = stepStruct(optimizer, optimizer.idle!, ownBiasDecay);
      const starts = [0, 1, 1023, 1024, N_STEPS - 1, ...Array.from({ length: 30 }, (_, i) => Math.floor(randomSource(i)() * N_STEPS))];

      test(`windows anywhere have the words of the whole schedule, but for their sums: ${what}`, () => {
        const isSum = (word: number) =>
          [Step.at.logs, Step.at['biasLogs']].some((first, i) => first !== undefined && word >= first && word < first + [4, 2][i]);
        const whole = tableOf().window(0, touchesOf(0, N_STEPS));
        assert.ok(new Float32Array(whole.buffer).every(Number.isFinite));
        const table = tableOf();
        for (const step of starts) {
          const nSteps = Math.min(N_STEPS - step, 1 + Math.floor(randomSource(step)() ** 2 * 1500));
          const words = table.window(step, touchesOf(step, nSteps));
          assert.is(words.length, (nSteps + 1) * Step.size);
          assert.ok(
            words.every((word, i) => isSum(i % Step.size) || word === whole[step * Step.size + i]),
            `steps ${step} to ${step + nSteps}`,
          );
        }
      });

      test(`sums of logarithms give the products of decays over any steps of a window: ${what}`, () => {
        const table = tableOf();
        const { lr, beta1 } = schedule;
        const product = (from: number, to: number, factor: (step: number) => number) => {
          let value = 1;
          for (let step = from; step < to; step++) value *= factor(step);
          return value;
        };
        for (const step of starts.slice(0, 8)) {
          const nSteps = Math.min(N_STEPS - step, 600);
          const floats = new Float32Array(table.window(step, touchesOf(step, nSteps)).slice().buffer);
          for (const [from, to] of [
            [0, nSteps],
            [0, 1],
            [nSteps >> 1, nSteps],
            [nSteps >> 2, nSteps >> 1],
            [nSteps, nSteps],
          ]) {
            const found = (field: 'logs' | 'biasLogs', word: number) => {
              const at = (s: number) => s * Step.size + Step.at[field]! + word;
              return decayBetween(floats.subarray(at(from), at(from) + 2), floats.subarray(at(to), at(to) + 2));
            };
            const wanted = (factor: (step: number) => number) => product(step + from, step + to, factor);
            assertClose([found('logs', 0)], [wanted((s) => beta1[s])], 6e-7, 'beta1');
            assertClose([found('logs', 2)], [wanted((s) => 1 - lr[s] * 0.1)], 6e-7, 'decay of the factors');
            if (ownBiasDecay) assertClose([found('biasLogs', 0)], [wanted((s) => 1 - lr[s] * 0.3)], 6e-7, 'decay of the biases');
          }
        }
      });
    }
  }
}

test('the step after the last has no rate, whatever stood there in the window before', () => {
  const optimizer = sgd({ momentum: true });
  const table = new StepTable(constant({ totalSteps: 9, lr: 0.1 }), stepOptions({ optimizer }), optimizer.idle!, 0, false);
  const [before, last] = [4, 7].map((step) => table.window(step, touchesOf(step, 2)).slice());
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
