/** A window of lazy steps, as the stepper builds it, in the buffers of their twins. */
import { mse } from '../../shaders/ops/loss.js';
import type { OptimizerOp } from '../../shaders/ops/optimizer.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { Member, RowTouch, stepStruct } from '../../shaders/ops/structs.js';
import { type LazyVariant, logDecays } from '../../shaders/train/lazy-rows.js';
import { type Struct, StructArray } from '../../src/gpu/struct.js';
import { oneCycle } from '../../src/schedule/schedule.js';
import { chunksOf, HostBatches, interleave } from '../../src/steps/host-batches.js';
import { StepTable } from '../../src/steps/step-table.js';
import type * as twins from '../twins/lazy-step.js';
import { randomFloats, randomRows, randomState, RANGES, structsOf } from './kernel-input.js';
import { randomRatings, stepOptions } from './training.js';

export const BATCH_SIZE = 12;
export const N_STEPS = 5;
const WD = { wd: 0.2, wdBias: 0.7 };

type Ops = Partial<Omit<LazyVariant, 'optimizer' | 'idle' | 'factorVecs'>> & { nFactors?: number };

export function variantOf(optimizer: OptimizerOp, { nFactors = 5, ...ops }: Ops): LazyVariant {
  const usual = { loss: mse, score: dotProduct, range: RANGES[0], hasBias: true, ownBiasDecay: false };
  const mapping = { replays: true, isApart: false, lanes: 1, shuffles: false, splitsLongRows: false };
  return { ...usual, ...mapping, ...ops, optimizer, idle: optimizer.idle!, factorVecs: Math.ceil(nFactors / 4) };
}

/** An array of structs, given as words. */
function structs<S extends Struct>(of: S, words: Uint32Array<ArrayBuffer>) {
  const array = new StructArray(of, words.length / of.size);
  array.words.set(words);
  return structsOf(array);
}

/** Buffers of a window of `N_STEPS` steps, of which one is empty and one is short. */
export function windowOf(variant: LazyVariant, nFactors: number, batchSize = BATCH_SIZE) {
  const { optimizer, idle, hasBias, score, ownBiasDecay, isApart } = variant;
  const { layout, param } = randomRows(nFactors, hasBias);
  const { nUsers } = layout.shape;
  const { nRows } = layout;
  const train = randomRatings(layout.shape, batchSize * N_STEPS, 3);
  const order = Uint32Array.from(train.ratings, (_, k) => k);
  const start = Uint32Array.from([0, 1, 2, 2, 2.5, 3.5], (s) => s * batchSize);
  const sizes = { nUsers, nRows, batchSize, maxSteps: N_STEPS, isSorted: true };
  const batches = new HostBatches(interleave(train, nUsers), sizes);
  const window = batches.build(order, start);
  const options = stepOptions({ batchSize, score, optimizer, ...WD });
  const table = new StepTable(oneCycle({ totalSteps: N_STEPS, lrMax: 0.05 }), options, idle, 1000, ownBiasDecay);
  // Both copies hold rows, so that a kernel that reads the wrong one shows.
  const { param: other } = randomRows(nFactors, hasBias, 9);
  return {
    window,
    chunks: chunksOf(window, batchSize),
    nRows,
    uniforms: { slotsPerSide: 2, nUsers, nRows, lossScale: 1 / batchSize, ...WD, ...logDecays(idle) },
    buffers: {
      steps: structs(
        stepStruct(optimizer, idle, ownBiasDecay),
        table.window(0, { ...window, firstMember: start.map((place) => 2 * place) }),
      ),
      touches: structs(RowTouch, window.touches),
      members: structs(Member, window.members),
      lossOf: randomFloats(window.touches.length / RowTouch.size, 4),
      ...(isApart ? { param: Float64Array.from(param), spare: other } : { param: Float64Array.of(...param, ...other) }),
      ...randomState(optimizer, layout.nParams, 5),
    } as Parameters<ReturnType<typeof twins.lazyStep>>[0],
  };
}

/** Where rows make their idle steps one by one. */
export const REPLAYS = { 'the closed form alone': 0, 'replay within the window': 2, 'replay of the whole window': N_STEPS } as const;
