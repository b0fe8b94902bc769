/** Small training problems, and how every stepper and the reference trainer solve them. */
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { mse } from '../../shaders/ops/loss.js';
import { rangeOf } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { meanLosses } from '../../src/steps/batch-losses.js';
import type { Ratings } from '../../src/data/collab-data.js';
import type { Gpu } from '../../src/gpu/gpu.js';
import type { ModelShape, Tables } from '../../src/model/layout.js';
import { EmbeddingTables } from '../../src/model/tables.js';
import { ReferenceTrainer } from '../../src/reference/trainer.js';
import type { Schedule } from '../../src/schedule/schedule.js';
import type { StepOptions, StepperName } from '../../src/steps/stepper.js';
import { STEPPERS as FACTORIES } from '../../src/train/choose-stepper.js';
import { randomSource } from './random.js';

export const STEPPERS: readonly StepperName[] = ['unfused', 'dense', 'lazy', 'persistent'];

/** Everything that decides a training run. */
export interface Problem {
  shape: ModelShape;
  train: Ratings;
  tables: Tables;
  options: StepOptions;
  /** One fit after the other. */
  schedules: Schedule[];
  /** Training rows in the order of an epoch. */
  order: (epoch: number) => Uint32Array;
}

/** Step losses, then parameters and moments in the packed layout. */
export interface Outcome {
  losses: ArrayLike<number>;
  param: ArrayLike<number>;
  m: ArrayLike<number>;
  v: ArrayLike<number>;
}

export const stepOptions = (options: Partial<StepOptions> = {}): StepOptions => ({
  batchSize: 16,
  score: dotProduct,
  range: rangeOf([0, 5.5]),
  loss: mse,
  optimizer: adam(),
  wd: 0.1,
  wdBias: 0.1,
  ...options,
});

/** Every chunk of steps of a problem: which steps of which fit, on which batches of which epoch. */
function* chunks({ schedules, train, options, order }: Problem, maxSteps: number) {
  const stepsPerEpoch = Math.floor(train.ratings.length / options.batchSize);
  let epoch = 0;
  let stepCount = 0;
  for (const schedule of schedules) {
    const nSteps = schedule.lr.length;
    for (let epochStart = 0; epochStart < nSteps; epochStart += stepsPerEpoch, epoch++) {
      const epochEnd = Math.min(nSteps, epochStart + stepsPerEpoch);
      for (let step = epochStart; step < epochEnd; step += maxSteps) {
        const start = Uint32Array.from(
          { length: Math.min(maxSteps, epochEnd - step) + 1 },
          (_, s) => (step - epochStart + s) * options.batchSize,
        );
        yield { schedule, stepCount, order: order(epoch), start, step };
      }
    }
    stepCount += nSteps;
  }
}

/** Solves a problem by one stepper, `maxSteps` steps at a time. */
export async function trainOnGpu(gpu: Gpu, problem: Problem, name: StepperName, maxSteps: number): Promise<Outcome> {
  const { nState } = problem.options.optimizer;
  const tables = new EmbeddingTables(gpu, problem.shape, { nCopies: 2, nState });
  tables.writeTables(problem.tables);
  const stepper = await FACTORIES[name].create({ tables, train: problem.train, options: problem.options, maxSteps });
  assert.is(stepper.name, name);
  const losses: number[] = [];
  let fit: Schedule | undefined;
  for (const { schedule, stepCount, order, start, step } of chunks(problem, maxSteps)) {
    if (schedule !== fit) await stepper.begin((fit = schedule), stepCount);
    await stepper.run({ order, start }, step);
    losses.push(...meanLosses([await stepper.readLosses()], 1, problem.options.batchSize));
  }
  const { param, m = new Float32Array(param.length), v = new Float32Array(param.length) } = await tables.readState();
  stepper.release();
  tables.release();
  return { losses, param, m, v };
}

/** Solves a problem in float64, a step at a time. */
export function trainReference(problem: Problem): Outcome {
  const {
    shape,
    tables,
    options,
    train: { users, items, ratings },
  } = problem;
  const reference = new ReferenceTrainer(shape, tables, options);
  const losses: number[] = [];
  for (const { schedule, order, start, step } of chunks(problem, 1)) {
    const rows = order.subarray(start[0], start[1]);
    const take = (column: Uint32Array | Float32Array) => Array.from(rows, (row) => column[row]);
    losses.push(reference.step(take(users), take(items), take(ratings), schedule.lr[step], schedule.beta1[step]));
  }
  // What an optimiser does not keep from step to step counts as nothing.
  const none = new Float64Array(reference.param.length);
  const [m, v] = [reference.m, reference.v].map((values, i) => (options.optimizer.nState > i ? values : none));
  return { losses, param: reference.param, m, v };
}

/** Starting values, larger than fastai's so that factors matter from the first step. */
export function randomTables({ nUsers, nItems, nFactors }: ModelShape, seed: number, scale = 0.3): Tables {
  const random = randomSource(seed);
  const table = (n: number) => Float32Array.from({ length: n }, () => scale * (2 * random() - 1));
  return { userFactors: table(nUsers * nFactors), itemFactors: table(nItems * nFactors), userBias: table(nUsers), itemBias: table(nItems) };
}

/** Ratings 0.5 to 5 of random pairs, favouring low rows so that users, items and pairs repeat. */
export function randomRatings({ nUsers, nItems }: Pick<ModelShape, 'nUsers' | 'nItems'>, nRatings: number, seed: number): Ratings {
  const random = randomSource(seed);
  const rows = (n: number) => Uint32Array.from({ length: nRatings }, () => Math.floor(n * random() ** 2));
  return {
    users: rows(nUsers),
    items: rows(nItems),
    ratings: Float32Array.from({ length: nRatings }, () => 0.5 + Math.floor(10 * random()) / 2),
  };
}

/** The largest |a - b| / max(scale, |b|), with where it is; the first that is not a number, if there is one. */
export function worst(a: ArrayLike<number>, b: ArrayLike<number>, scale = 1): { error: number; at: number } {
  assert.is(a.length, b.length, 'lengths');
  let found = { error: 0, at: -1 };
  for (let i = 0; i < a.length; i++) {
    const error = Math.abs(a[i] - b[i]) / Math.max(scale, Math.abs(b[i]));
    if (Number.isNaN(error)) return { error, at: i };
    if (error > found.error) found = { error, at: i };
  }
  return found;
}

/** Asserts that all of `a` lies within `tolerance` of `b`, relative beyond 1 (or beyond `scale`). */
export function assertClose(a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number, what: string, scale = 1): void {
  const { error, at } = worst(a, b, scale);
  assert.ok(error <= tolerance, `${what}[${at}] is ${a[at]}, not ${b[at]} (off by ${error}, allowed ${tolerance})`);
}

/**
 * What training in float32 may be off by, beside the largest value of a kind: ten times the most that any problem shows on
 * SwiftShader and lavapipe. v is less exact than the rest only with a beta2 of 0.999, of which float32 holds 1 - beta2 to 1e-5.
 */
const ROUNDING = { losses: 1e-5, param: 6e-5, m: 2e-5, v: 1.3e-4 };

/** Asserts that two outcomes agree up to rounding. */
export function assertSameTraining(a: Outcome, b: Outcome, what: string, tolerance = ROUNDING): void {
  for (const name of ['losses', 'param', 'm', 'v'] as const) {
    assertClose(a[name], b[name], tolerance[name], `${what}: ${name}`, largest(b[name]));
  }
}

/** The largest magnitude. */
export function largest(values: ArrayLike<number>): number {
  let most = Number.MIN_VALUE; // all zero: nothing else will do
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** Whether two outcomes have the same bits. */
export function sameBits(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (x: number, i: number) => Object.is(x, b[i]));
}
