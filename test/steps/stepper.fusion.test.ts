/** Unfused, dense, lazy and persistent steps give the reference trainer's numbers, however an epoch is cut into chunks. */
import type { ModelShape } from '../../src/model/layout.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { identity, sigmoidRange } from '../../shaders/ops/range.js';
import { sgd } from '../../shaders/ops/sgd.js';
import type { Ratings } from '../../src/data/collab-data.js';
import { lazyStepper } from '../../src/steps/lazy.js';
import type { StepOptions } from '../../src/steps/stepper.js';
import { EmbeddingTables } from '../../src/model/tables.js';
import { fillPermutation } from '../../src/base/random.js';
import { constant, oneCycle, type Schedule } from '../../src/schedule/schedule.js';
import { dynamicUniformGpu, hardwareLikeGpu, sharedGpu } from '../helpers/gpu.js';
import { cosine, logCosh, negativeSquaredDistance, rmsProp } from '../helpers/ops.js';
import {
  assertSameTraining,
  type Outcome,
  STEPPERS,
  type Problem,
  randomRatings,
  randomTables,
  sameBits,
  stepOptions,
  trainOnGpu,
  trainReference,
} from '../helpers/training.js';

const gpu = await sharedGpu();

interface Case {
  shape?: Partial<ModelShape>;
  options?: Partial<StepOptions>;
  nRatings?: number;
  /** Changes the ratings before training. */
  edit?: (ratings: Ratings) => void;
  schedules?: (stepsPerEpoch: number) => Schedule[];
  /** Steps in a chunk; the last one of an epoch is shorter. */
  maxSteps?: number;
}

function problem({ shape, options, nRatings = 210, edit, schedules }: Case): Problem {
  const full = { nUsers: 30, nItems: 40, nFactors: 8, hasBias: true, ...shape };
  const train = randomRatings(full, nRatings, 1);
  edit?.(train);
  const step = stepOptions({ batchSize: 10, ...options });
  const stepsPerEpoch = Math.floor(nRatings / step.batchSize);
  return {
    shape: full,
    train,
    tables: randomTables(full, 2),
    options: step,
    schedules: schedules?.(stepsPerEpoch) ?? [oneCycle({ totalSteps: 2 * stepsPerEpoch, lrMax: 0.02 })],
    order: (epoch) => {
      const order = new Uint32Array(nRatings);
      fillPermutation(order, epoch);
      return order;
    },
  };
}

const cases: Record<string, Case> = {
  'two epochs in chunks of 8 of 21 steps': {},
  'one step at a time': { maxSteps: 1 },
  'an epoch in one chunk': { maxSteps: 100 },
  'one factor': { shape: { nFactors: 1 } },
  'three factors': { shape: { nFactors: 3 } },
  'forty factors': { shape: { nFactors: 40 } },
  'no bias': { shape: { hasBias: false } },
  'no bias, five factors': { shape: { hasBias: false, nFactors: 5 } },
  'no range': { options: { range: identity } },
  'a range that does not start at 0': { options: { range: sigmoidRange([0.5, 5]) } },
  'other decay of the biases': { options: { wd: 0.2, wdBias: 0.01 } },
  'no decay': { options: { wd: 0, wdBias: 0 } },
  'the eps of fastai 2': { options: { optimizer: adam({ eps: 1e-5 }) } },
  'another beta2': { options: { optimizer: adam({ beta2: 0.999 }) } },
  'another loss': { options: { loss: logCosh } },
  'gradient descent': { options: { optimizer: sgd() } },
  'gradient descent with momentum': { options: { optimizer: sgd({ momentum: true }) } },
  'gradient descent with momentum, rows that are idle for long': {
    options: { optimizer: sgd({ momentum: true }), batchSize: 2, wdBias: 0.01 },
    shape: { nUsers: 200, nItems: 300 },
    nRatings: 240,
    maxSteps: 16,
  },
  'a beta2 for which idle steps are made one by one': { options: { optimizer: adam({ beta2: 0.8, eps: 1e-8 }) } },
  'another score': { options: { score: negativeSquaredDistance, range: sigmoidRange([0, 8]) } },
  'a score of several sums, padded rows': { options: { score: cosine }, shape: { nFactors: 6 } },
  'another score without biases': { options: { score: negativeSquaredDistance }, shape: { hasBias: false, nFactors: 5 } },
  'batches of one rating': { options: { batchSize: 1 }, nRatings: 60 },
  'batches that fill several workgroups': { options: { batchSize: 150 }, nRatings: 900, shape: { nUsers: 300, nItems: 400 } },
  'one pair many times': {
    edit: ({ users, items }) => {
      users.fill(3, 0, 150);
      items.fill(5, 0, 150);
    },
  },
  'one user owns everything': { edit: ({ users }) => users.fill(7) },
  'one item is everything': { edit: ({ items }) => items.fill(0) },
  'rows that are idle for whole chunks': { shape: { nUsers: 200, nItems: 300 }, options: { batchSize: 2 }, nRatings: 240, maxSteps: 16 },
  'a rate of 0.1, where Adam moves far': { schedules: (n) => [constant({ totalSteps: n, lr: 0.1, beta1: 0.9 })] },
  "a second fit continues with the optimiser's state": {
    schedules: (n) => [
      oneCycle({ totalSteps: n, lrMax: 0.03 }),
      oneCycle({ totalSteps: 2 * n, lrMax: 0.01, defaults: 'fastai2' }),
      constant({ totalSteps: n, lr: 1e-3 }),
    ],
  },
  'a fit that ends within an epoch': {
    schedules: (n) => [constant({ totalSteps: n + 5, lr: 0.01 }), constant({ totalSteps: 3, lr: 0.01 })],
  },
};

for (const [name, each] of Object.entries(cases)) {
  const reference = trainReference(problem(each));
  for (const stepper of STEPPERS) {
    test(`${stepper}: ${name}`, async () => {
      const outcome = await trainOnGpu(gpu, problem(each), stepper, each.maxSteps ?? 8);
      assertSameTraining(outcome, reference, stepper);
    });
  }
  for (const stepper of ['lazy', 'persistent'] as const) {
    test(`${stepper} as on hardware: ${name}`, async () => {
      const outcome = await trainOnGpu(await hardwareLikeGpu(), problem(each), stepper, each.maxSteps ?? 8);
      assertSameTraining(outcome, reference, stepper);
    });
  }
}

for (const stepper of ['unfused', 'dense'] as const) {
  test(`${stepper}: an optimiser without a closed form`, async () => {
    const other = problem({ options: { optimizer: rmsProp } });
    assertSameTraining(await trainOnGpu(gpu, other, stepper, 8), trainReference(other), stepper);
  });
}

const bits = ({ losses, param, m, v }: Outcome) => [losses, param, m, v].flatMap((values) => Array.from(values));

for (const stepper of STEPPERS) {
  test(`${stepper}: the same run again gives the same bits`, async () => {
    const runs = [await trainOnGpu(gpu, problem({}), stepper, 8), await trainOnGpu(gpu, problem({}), stepper, 8)].map(bits);
    assert.ok(sameBits(runs[0], runs[1]));
  });

  test(`${stepper}: immediates from a dynamic uniform give the same bits`, async () => {
    const plain = await dynamicUniformGpu();
    assert.is(gpu.immediateMode, 'immediate');
    assert.is(plain.immediateMode, 'dynamic uniform');
    const runs = [await trainOnGpu(gpu, problem({}), stepper, 8), await trainOnGpu(plain, problem({}), stepper, 8)].map(bits);
    assert.ok(sameBits(runs[0], runs[1]));
  });
}

test('padding of a row stays zero', async () => {
  const outcome = await trainOnGpu(gpu, problem({ shape: { nFactors: 5 } }), 'lazy', 8);
  const padding = Array.from(outcome.param).filter((_, i) => [5, 6, 7, 9, 10, 11].includes(i % 12));
  assert.ok(padding.every((value) => value === 0));
});

test('lazy steps are refused for an optimiser without a closed form', async () => {
  const { shape, train, options } = problem({});
  const tables = new EmbeddingTables(gpu, shape, { nCopies: 2, nState: 2 });
  const input = { tables, train, options: { ...options, optimizer: rmsProp }, maxSteps: 8 };
  const message = await lazyStepper(input, false).then(() => '', String);
  assert.match(message, /RangeError.*rmsProp has none; train with stepper: 'dense'/);
  tables.release();
});

test.run();
