/** Steps that touch only the rows of a batch train the model that steps on every row train. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { fillPermutation } from '../../src/base/random.js';
import { constant, lrSweep, oneCycle, type Schedule } from '../../src/schedule/schedule.js';
import { StepTable } from '../../src/steps/step-table.js';
import type { StepOptions } from '../../src/steps/stepper.js';
import { sharedGpu } from '../helpers/gpu.js';
import { randomFloats } from '../helpers/kernel-input.js';
import { assertSameTraining, type Problem, randomRatings, randomTables, stepOptions, trainOnGpu } from '../helpers/training.js';

const gpu = await sharedGpu();

interface Case {
  nUsers: number;
  nItems: number;
  batchSize: number;
  nBatches: number;
  schedules: Schedule[];
  options: Partial<StepOptions>;
  seed: number;
}

function problem({ nUsers, nItems, batchSize, nBatches, schedules, options, seed }: Case): Problem {
  const shape = { nUsers, nItems, nFactors: 4, hasBias: true };
  const nRatings = batchSize * nBatches;
  return {
    shape,
    train: randomRatings(shape, nRatings, seed),
    tables: randomTables(shape, seed + 1),
    options: stepOptions({ batchSize, ...options }),
    schedules,
    order: (epoch) => {
      const order = new Uint32Array(nRatings);
      fillPermutation(order, seed + epoch);
      return order;
    },
  };
}

const OPTIMIZERS = [adam(), adam({ eps: 1e-5 }), adam({ beta2: 0.9 }), sgd(), sgd({ momentum: true })];

/** Schedules as users have them, and one whose rates jump about. */
const schedule = fc
  .record({
    kind: fc.constantFrom('constant', 'one cycle', 'sweep', 'jumps'),
    totalSteps: fc.integer({ min: 7, max: 60 }),
    lr: fc.integer({ min: 1, max: 30 }).map((n) => n / 1000),
    beta1: fc.integer({ min: 5, max: 19 }).map((n) => n / 20),
    seed: fc.nat(1000),
  })
  .map(({ kind, totalSteps, lr, beta1, seed }): Schedule => {
    if (kind === 'constant') return constant({ totalSteps, lr, beta1 });
    if (kind === 'one cycle') return oneCycle({ totalSteps, lrMax: lr });
    if (kind === 'sweep') return lrSweep({ startLr: 1e-6, endLr: lr, numIt: totalSteps, beta1 });
    return { lr: randomFloats(totalSteps, seed, 0, lr), beta1: randomFloats(totalSteps, seed + 1, 0, beta1), end: { lr, beta1 } };
  });

/** Problems that training does not solve: where gradients vanish, rounding alone decides where Adam goes. */
const cases = fc.record({
  nUsers: fc.integer({ min: 1, max: 60 }),
  nItems: fc.integer({ min: 1, max: 60 }),
  batchSize: fc.integer({ min: 1, max: 12 }),
  nBatches: fc.integer({ min: 3, max: 20 }),
  schedules: fc.array(schedule, { minLength: 1, maxLength: 3 }),
  options: fc.record({ optimizer: fc.constantFrom(...OPTIMIZERS), wd: fc.constantFrom(0, 0.1), wdBias: fc.constantFrom(0.1, 0.5) }),
  seed: fc.nat(1000),
  maxSteps: fc.integer({ min: 1, max: 25 }),
  stepper: fc.constantFrom('lazy', 'persistent'),
});

/** Ten times the worst of 800 cases. In most, lazy and dense steps are within 1e-6 of each other. */
const TOLERANCE = { losses: 1.3e-5, param: 1.6e-3, m: 2e-3, v: 2e-4 };

test('lazy steps are dense steps, for any schedules, sizes, optimisers and lengths of chunks', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ stepper, maxSteps, ...each }) => {
      const lazy = await trainOnGpu(gpu, problem(each), stepper, maxSteps);
      assertSameTraining(lazy, await trainOnGpu(gpu, problem(each), 'dense', 8), 'beside dense', TOLERANCE);
    }),
    { numRuns: 20 },
  );
});

/** Ten times what SwiftShader and lavapipe show. */
const AT_CORNERS = { losses: 5e-6, param: 5e-5, m: 2e-5, v: 1e-5 };

for (const [beta2, eps] of [
  [0.8, 1e-12],
  [0.5, 1e-12],
  [0.99, 1e-12],
  [0.5, 1e-8],
] as const) {
  test(`constants for which the closed form is not tested make their idle steps one by one: beta2 ${beta2}, eps ${eps}`, async () => {
    const optimizer = adam({ beta2, eps });
    const schedules = [oneCycle({ totalSteps: 40, lrMax: 0.02 }), constant({ totalSteps: 40, lr: 0.01 })];
    const corner = problem({ nUsers: 60, nItems: 60, batchSize: 3, nBatches: 20, schedules, options: { optimizer }, seed: 7 });
    for (const [fit, stepCount] of [
      [schedules[0], 0],
      [schedules[1], 5000],
    ] as const) {
      assert.is(new StepTable(fit, corner.options, optimizer.idle!, stepCount, false).replayEnd, 40);
    }
    const dense = await trainOnGpu(gpu, corner, 'dense', 15);
    for (const stepper of ['lazy', 'persistent'] as const) {
      assertSameTraining(await trainOnGpu(gpu, corner, stepper, 15), dense, stepper, AT_CORNERS);
    }
  });
}

test('a decay to nothing, or beyond, makes its idle steps one by one', () => {
  const schedule = constant({ totalSteps: 50, lr: 0.5 });
  for (const optimizer of [sgd(), sgd({ momentum: true }), adam()]) {
    for (const [wd, wdBias] of [
      [2, 2],
      [3, 3],
      [0.1, 2],
    ] as const) {
      assert.is(new StepTable(schedule, stepOptions({ optimizer, wd, wdBias }), optimizer.idle!, 0, true).replayEnd, 50);
    }
  }
});

for (const [name, optimizer] of [
  ['sgd', sgd()],
  ['adam', adam()],
] as const) {
  test(`a decay so strong that its product over a chunk vanishes leaves lazy steps dense: ${name}`, async () => {
    const schedules = [constant({ totalSteps: 400, lr: 0.2 })];
    const strong = problem({
      nUsers: 40,
      nItems: 40,
      batchSize: 1,
      nBatches: 400,
      schedules,
      options: { optimizer, wd: 4.5, wdBias: 4.9 },
      seed: 5,
    });
    const dense = await trainOnGpu(gpu, strong, 'dense', 400);
    assert.ok(Array.from(dense.param).every(Number.isFinite));
    for (const stepper of ['lazy', 'persistent'] as const) {
      assertSameTraining(await trainOnGpu(gpu, strong, stepper, 400), dense, stepper, AT_CORNERS);
    }
  });
}

test.run();
