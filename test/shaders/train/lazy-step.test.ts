/** The lazy kernels beside their twins, on a chunk of steps as the stepper builds it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../../shaders/ops/adam.js';
import { mse } from '../../../shaders/ops/loss.js';
import type { OptimizerOp } from '../../../shaders/ops/optimizer.js';
import { dotProduct } from '../../../shaders/ops/score.js';
import { sgd } from '../../../shaders/ops/sgd.js';
import { LazyRating, stepStruct } from '../../../shaders/ops/structs.js';
import { lazyForward, lazyShares, lazySteps, lazyUpdate, type LazyVariant } from '../../../shaders/train/lazy-step.wgsl.js';
import { BatchGrouper } from '../../../src/data/batches.js';
import { StructArray } from '../../../src/gpu/struct.js';
import { oneCycle } from '../../../src/schedule/schedule.js';
import { LazyChunk } from '../../../src/steps/lazy-chunk.js';
import { StepTable } from '../../../src/steps/step-table.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin } from '../../helpers/kernel.js';
import { randomOutcomes, randomRows, randomState, RANGES, SCORES, structsOf } from '../../helpers/kernel-input.js';
import { randomRatings, stepOptions } from '../../helpers/training.js';
import * as twins from '../../twins/lazy-step.js';

const gpu = await sharedGpu();

const BATCH_SIZE = 6;
const N_STEPS = 5;
const WD = { wd: 0.2, wdBias: 0.7 };

type Ops = Partial<Pick<LazyVariant, 'score' | 'range' | 'hasBias' | 'ownBiasDecay' | 'wholeRow'>> & { nFactors?: number };

function variantOf(optimizer: OptimizerOp, { nFactors = 5, ...ops }: Ops): LazyVariant {
  const usual = { loss: mse, score: dotProduct, range: RANGES[0], hasBias: true, ownBiasDecay: false, wholeRow: false };
  return { ...usual, ...ops, optimizer, idle: optimizer.idle!, factorVecs: Math.ceil(nFactors / 4) };
}

/** Buffers of a chunk of `N_STEPS` steps, of which the first `replayEnd` make idle steps one by one. */
function chunkOf(variant: LazyVariant, nFactors: number, replayEnd: number) {
  const { optimizer, idle, hasBias, factorVecs, score } = variant;
  const { layout, param } = randomRows(nFactors, hasBias);
  const { nUsers, nItems } = layout.shape;
  const train = randomRatings(layout.shape, BATCH_SIZE * N_STEPS, 3);
  const order = Uint32Array.from(train.ratings, (_, k) => k);
  const batches = new BatchGrouper(train, nUsers, nItems, BATCH_SIZE, N_STEPS).group(order, 0, N_STEPS);
  const options = stepOptions({ batchSize: BATCH_SIZE, score, optimizer, ...WD });
  const schedule = oneCycle({ totalSteps: N_STEPS, lrMax: 0.05 });
  const table = new StepTable(schedule, options, idle, 1000);
  const chunk = new LazyChunk(layout, options, idle.decays, N_STEPS);
  chunk.build(batches, schedule, 0, replayEnd);

  const steps = new StructArray(stepStruct(optimizer, idle), N_STEPS + 1);
  steps.words.set(table.slice(0, batches.touchStart));
  const lazyRatings = new StructArray(LazyRating, BATCH_SIZE * N_STEPS);
  lazyRatings.words.set(batches.ratings.words);
  const ratings = structsOf(lazyRatings);
  const [, sumOf] = SCORES.find(([each]) => each === score)!;
  // Both copies hold rows, so that a kernel that reads the wrong one shows.
  const twoCopies = Float64Array.of(...param, ...randomRows(nFactors, hasBias, 9).param);
  return {
    layout,
    touchStart: batches.touchStart,
    buffers: {
      steps: structsOf(steps),
      ratings,
      touches: structsOf(chunk.touches),
      members: batches.members,
      outcomes: randomOutcomes(ratings, twoCopies, factorVecs, (address) => address, sumOf),
      param: twoCopies,
      ...randomState(optimizer, layout.nParams, 5),
    },
    sumOf,
  };
}

/** One step's update, and the touches without ratings that move every row to its first step. */
async function checkUpdate(variant: LazyVariant, nFactors: number, replayEnd: number) {
  for (const step of [0, 2, N_STEPS - 1, 'first touches'] as const) {
    const { buffers, touchStart, layout } = chunkOf(variant, nFactors, replayEnd);
    const [at, firstTouch, end] =
      step === 'first touches'
        ? [0, touchStart[N_STEPS], touchStart[N_STEPS] + layout.nRows]
        : [step, touchStart[step], touchStart[step + 1]];
    const nTouches = end - firstTouch;
    await assertKernelIsTwin(gpu, lazyUpdate(variant), twins.lazyUpdate(variant), {
      buffers,
      uniforms: WD,
      immediates: { step: at, firstTouch, nTouches, replayEnd },
      threads: nTouches * lazyShares(variant),
    });
  }
}

const SHAPES = [
  [5, false],
  [1, true],
  [40, true],
] as const;

for (const [score, sumOf] of SCORES) {
  for (const range of RANGES) {
    test(`lazyForward gives losses and gradients of a batch, of rows in two copies: ${range.name}, ${score.name}`, async () => {
      for (const [nFactors, hasBias] of score === dotProduct ? SHAPES : SHAPES.slice(0, 1)) {
        const variant = variantOf(adam(), { score, range, hasBias, nFactors });
        const { buffers } = chunkOf(variant, nFactors, 0);
        await assertKernelIsTwin(gpu, lazyForward(variant), twins.lazyForward(variant, sumOf), {
          buffers,
          uniforms: { lossScale: 1 / 7 },
          immediates: { first: 3, nRatings: BATCH_SIZE },
          threads: BATCH_SIZE,
        });
      }
    });
  }
}

const OPTIMIZERS = [adam(), sgd({ momentum: true }), sgd()];
const REPLAYS = { 'the closed form alone': 0, 'replay within the chunk': 2, 'replay of the whole chunk': N_STEPS } as const;

for (const optimizer of OPTIMIZERS) {
  for (const [wholeRow, ownBiasDecay] of [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ].slice(...(optimizer === OPTIMIZERS[0] ? [] : [1, 3]))) {
    for (const [replay, replayEnd] of Object.entries(REPLAYS)) {
      const what = [optimizer.name, wholeRow ? 'whole rows' : 'four columns', replay, ...(ownBiasDecay ? ['other decay of biases'] : [])];
      test(`lazyUpdate makes the steps of touched rows: ${what.join(', ')}`, () =>
        checkUpdate(variantOf(optimizer, { wholeRow, ownBiasDecay }), 5, replayEnd));
    }
  }
}

for (const [score] of SCORES) {
  for (const [nFactors, hasBias] of score === dotProduct ? SHAPES : SHAPES.slice(0, 1)) {
    test(`lazyUpdate sums the gradient of any score: ${score.name}, ${nFactors} factors, ${hasBias ? 'bias' : 'no bias'}`, () =>
      checkUpdate(variantOf(adam(), { score, nFactors, hasBias }), nFactors, 1));
  }
}

for (const [optimizer, wholeRow, workgroupSize] of [
  [OPTIMIZERS[0], true, 64],
  [OPTIMIZERS[0], false, 4],
  [OPTIMIZERS[1], false, 4],
  [OPTIMIZERS[2], true, 64],
] as const) {
  for (const replayEnd of Object.values(REPLAYS)) {
    test(`lazySteps makes all steps of a chunk: ${optimizer.name}, ${workgroupSize} invocations, replay to ${replayEnd}`, async () => {
      const variant = variantOf(optimizer, { wholeRow, ownBiasDecay: true });
      const { buffers, sumOf, touchStart } = chunkOf(variant, 5, replayEnd);
      assert.ok(touchStart[1] > 4, 'an invocation of a small group has several touches');
      await assertKernelIsTwin(gpu, lazySteps(variant, workgroupSize), twins.lazySteps(variant, sumOf), {
        buffers,
        uniforms: { lossScale: 1 / BATCH_SIZE, batchSize: BATCH_SIZE, ...WD },
        immediates: { begin: 1, end: N_STEPS, replayEnd },
        groups: 1,
      });
    });
  }
}

test.run();
