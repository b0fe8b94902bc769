import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ALONE } from '../../src/base/ring.js';
import { Strata } from '../../src/data/strata.js';
import { PartedTables } from '../../src/model/parted-tables.js';
import { EmbeddingTables } from '../../src/model/tables.js';
import { oneCycle } from '../../src/schedule/schedule.js';
import { meanLosses } from '../../src/steps/batch-losses.js';
import type { StepperName } from '../../src/steps/stepper.js';
import { STEPPERS as FACTORIES } from '../../src/train/choose-stepper.js';
import { Trainer } from '../../src/train/trainer.js';
import { smallData } from '../helpers/data.js';
import { sharedGpu } from '../helpers/gpu.js';
import { onRing } from '../helpers/local-ring.js';
import { assertRefused } from '../helpers/refusal.js';
import { makeLearner, outcomeOf } from '../helpers/short-run.js';
import { randomTables, stepOptions, STEPPERS } from '../helpers/training.js';

const gpu = await sharedGpu();
const data = smallData({ batchSize: 8 });
const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors: 8, hasBias: true };
const options = stepOptions({ batchSize: data.batchSize });
const strataOf = (strata: number, passes: number) =>
  Strata.of(data.train, data.nUsers, data.nItems, data.batchSize, { strata, passes, seed: 3 });

/** Parameters, optimiser and losses of two epochs by the trainer. */
async function byTrainer(stepper: StepperName, strata: Strata, totalSteps: number, nParts = 1, ring = ALONE) {
  const kept = { nCopies: 2, nState: 2 } as const;
  const tables = nParts === 1 ? new EmbeddingTables(gpu, shape, kept) : new PartedTables(gpu, shape, strata, nParts, kept, ring);
  tables.writeTables(randomTables(shape, 1));
  const trainer = await Trainer.create(tables, data, options, strata, FACTORIES[stepper], 'host', ring);
  const losses: number[] = [];
  const onSteps = (_: number, these: Float32Array) => void losses.push(...these);
  await trainer.fit(oneCycle({ totalSteps, lrMax: 0.01 }), { onSteps });
  await tables.home();
  const outcome = { losses, ...(ring === ALONE ? await tables.readState() : await shareOf(tables as PartedTables)) };
  trainer.release();
  tables.release();
  return outcome;
}

/** What a rank has of the state, in the layout of the whole model, zeros elsewhere. */
async function shareOf(tables: PartedTables) {
  const { rowStride, nParams } = tables.layout;
  const state = [0, 1, 2].map(() => new Float32Array(nParams));
  for (const { side, block, rows } of tables.heldBlocks()) {
    const arrays = await tables.readBlock(side, block);
    const first = side === 'users' ? 0 : shape.nUsers;
    state.forEach((array, k) =>
      rows.forEach((row, r) => {
        const at = (k * rows.length + r) * rowStride;
        array.set(arrays.subarray(at, at + rowStride), (first + row) * rowStride);
      }),
    );
  }
  return { param: state[0], m: state[1], v: state[2] };
}

/** The same from the steps of a plain stepper, which is given the rows of each round as any order's. */
async function byInjectedOrder(name: StepperName, strata: Strata, totalSteps: number) {
  const tables = new EmbeddingTables(gpu, shape, { nCopies: 2, nState: 2 });
  tables.writeTables(randomTables(shape, 1));
  const maxSteps = Math.max(...strata.rounds.steps);
  const { rounds } = strata;
  const segmentsPerStep = rounds.plan.strata;
  const stepper = await FACTORIES[name].create({ tables, train: data.train, options, maxSteps, rounds });
  await stepper.begin(oneCycle({ totalSteps, lrMax: 0.01 }), 0);
  const losses: number[] = [];
  let step = 0;
  for (let epoch = 0; epoch < 2; epoch++) {
    for (const [round, nSteps] of strata.rounds.steps.entries()) {
      const { order, segments } = rounds.round(epoch, round);
      const start = Uint32Array.from({ length: nSteps + 1 }, (_, s) => s * data.batchSize);
      await stepper.run({ order: order.map((k) => strata.rows![k]), start, segments }, step);
      losses.push(...meanLosses([await stepper.readLosses()], segmentsPerStep, data.batchSize));
      step += nSteps;
    }
  }
  const outcome = { losses, ...(await tables.readState()) };
  stepper.release();
  tables.release();
  return outcome;
}

for (const stepper of STEPPERS) {
  test(`${stepper}: training in strata makes the steps of its order, bit for bit`, async () => {
    for (const [S, R] of [
      [4, 1],
      [4, 2],
      [3, 2],
    ]) {
      const strata = strataOf(S, R);
      const totalSteps = 2 * strata.rounds.steps.reduce((a, b) => a + b);
      const [a, b] = [await byTrainer(stepper, strata, totalSteps), await byInjectedOrder(stepper, strata, totalSteps)];
      assert.is(a.losses.length, totalSteps);
      for (const name of ['losses', 'param', 'm', 'v'] as const) assert.equal(a[name], b[name], `${name}, ${S} strata`);
    }
  });
}

for (const stepper of ['lazy', 'persistent'] as const) {
  test(`${stepper}: a model in parts trains as the whole one does, bit for bit`, async () => {
    for (const [S, R, parts] of [
      [4, 1, [2, 4]],
      [8, 2, [2, 4, 8]],
      [6, 1, [2, 3, 6]],
    ] as const) {
      const strata = strataOf(S, R);
      const totalSteps = 2 * strata.rounds.steps.reduce((a, b) => a + b) + 5;
      const whole = await byTrainer(stepper, strata, totalSteps);
      for (const nParts of parts) {
        const parted = await byTrainer(stepper, strata, totalSteps, nParts);
        for (const name of ['losses', 'param', 'm', 'v'] as const)
          assert.equal(parted[name], whole[name], `${name}, ${S} strata, ${nParts}`);
      }
    }
  });
}

test('parts on several ranks train as the whole model does, bit for bit, and all ranks know all losses', async () => {
  for (const [S, R, nParts, size] of [
    [4, 1, 4, 2],
    [8, 2, 4, 4],
    [6, 1, 3, 3],
  ] as const) {
    const strata = strataOf(S, R);
    const totalSteps = 2 * strata.rounds.steps.reduce((a, b) => a + b) + 5;
    const whole = await byTrainer('lazy', strata, totalSteps);
    const ranks = await onRing(size, (ring) => byTrainer('lazy', strata, totalSteps, nParts, ring));
    for (const { losses } of ranks) assert.equal(losses, whole.losses);
    for (const name of ['param', 'm', 'v'] as const) {
      const sum = new Float32Array(whole[name]!.length);
      for (const rank of ranks) rank[name]!.forEach((value, i) => (sum[i] += value));
      assert.equal(sum, whole[name], `${name}, ${S} strata, ${nParts} parts, ${size} ranks`);
    }
  }
});

test('a rank that is asked to stop stops all of them at the end of that round', async () => {
  const strata = strataOf(4, 1);
  const totalSteps = 2 * strata.rounds.steps.reduce((sum, steps) => sum + steps);
  const lengths = await onRing(2, async (ring) => {
    const tables = new PartedTables(gpu, shape, strata, 2, { nCopies: 2, nState: 2 }, ring);
    tables.writeTables(randomTables(shape, 1));
    const trainer = await Trainer.create(tables, data, options, strata, FACTORIES.lazy, 'host', ring);
    const stop = new AbortController();
    const told: number[] = [];
    const onSteps = (_: number, losses: Float32Array) => {
      told.push(losses.length);
      if (ring.rank === 1 && told.length === 2) stop.abort(); // in round 2, from 0
    };
    const done = await trainer.fit(oneCycle({ totalSteps, lrMax: 0.01 }), { onSteps, signal: stop.signal });
    trainer.release();
    tables.release();
    return [done, ...told];
  });
  const three = strata.rounds.steps.slice(0, 3);
  const done = three.reduce((sum, steps) => sum + steps);
  assert.equal(lengths, [
    [done, ...three],
    [done, ...three],
  ]);
});

test('an epoch of strata is told round by round, and its order has a batch for each step', async () => {
  const learn = await makeLearner({ strata: 4, passes: 2 }, data);
  const { epochs, stepsPerEpoch, order } = learn.trainer;
  assert.equal(epochs.settings, { strata: 4, passes: 2 });
  assert.is(epochs.steps.length, 8);
  assert.is(order(2).length, stepsPerEpoch * data.batchSize);
  assert.is(new Set(order(2)).size, stepsPerEpoch * data.batchSize);
  const told: number[] = [];
  await learn.fitOneCycle(1, 0.01, { onProgress: ({ losses }) => told.push(losses.length) });
  assert.equal(told, epochs.steps);
  learn.release();
});

test('strata change the order, and the same strata give the same bits', async () => {
  const outcomes: number[][] = [];
  for (const options of [{ strata: 4 }, { strata: 4, passes: 2 }, { strata: 4, passes: 1 }, { strata: 2 }, {}]) {
    const learn = await makeLearner(options, data);
    await learn.fitOneCycle(2, 0.01);
    outcomes.push(await outcomeOf(learn));
  }
  assert.equal(outcomes[0], outcomes[1]);
  assert.is(new Set(outcomes.map((outcome) => outcome.at(-1))).size, 4);
});

test('what cannot go with strata is refused', async () => {
  const identity = () => Uint32Array.from({ length: data.nTrain }, (_, k) => k);
  await assertRefused(() => makeLearner({ strata: 4, order: identity }, data), /give either strata or order, not both\.$/, TypeError);
  await assertRefused(() => makeLearner({ strata: 4, batches: 'device' }, data), /^Batches of strata are made by the host/);
  await assertRefused(() => makeLearner({ passes: 2 }, data), /^An order without strata has no passes: give strata of at least 2/);
  await assertRefused(() => makeLearner({ strata: 300 }, data), /^strata must be a whole number from 1 to 256, not 300/);
  await assertRefused(() => makeLearner({ strata: 16, passes: 4 }, data), /^With 16 strata and 4 passes a round has some 25 ratings/);
});

test.run();
