import { adam, rateOf } from '../../shaders/ops/adam.js';
import { STEP_FIRST_TOUCH, STEP_POLES, STEP_SIZE } from '../../shaders/ops/idle-adam.js';
import { sigmoidRange } from '../../shaders/ops/sigmoid-range.js';
import { LAZY_TOUCH_SIZE, lazyForward, lazyShares, lazySteps, lazyUpdate, type LazyVariant } from '../../shaders/lazy-step.wgsl.js';
import { lossSums } from '../../shaders/loss-sums.wgsl.js';
import { RATING_SIZE, TOUCH_SIZE } from '../../shaders/rating.js';
import { BatchGrouper, type BatchChunk } from '../batches.js';
import { idlePoles, N_POLES, replayEnd } from '../idle-adam.js';
import type { RowLayout } from '../model.js';
import { BatchLosses } from './batch-losses.js';
import type { Schedule } from '../schedule.js';
import type { PathInput, StepOptions, StepPath } from './path.js';

/**
 * Steps that touch only the rows of the batch, with dense Adam's numbers: see shaders/lazy-step.wgsl.ts. Two dispatches
 * per step, or with `persistent` one for all steps of a chunk. A chunk begins with one that moves every row to its first
 * touch.
 */
export async function lazyPath({ model, train, options, maxSteps }: PathInput, persistent: boolean): Promise<StepPath> {
  if (options.optimizer !== adam) throw new RangeError(`The lazy path is Adam's; train with path 'dense' for ${options.optimizer.name}.`);
  const { gpu, layout, shape } = model;
  const { batchSize, loss, wd, wdBias, beta2, eps } = options;
  const [lo, hi] = options.yRange ?? [0, 1];
  // A software adapter runs an invocation per vector lane: fewer, longer ones. A GPU hides latency with many.
  const software = gpu.info.isFallbackAdapter;
  const workgroupSize = software ? 64 : Math.min(256, gpu.limits.maxComputeInvocationsPerWorkgroup);
  const variant: LazyVariant = {
    loss, range: sigmoidRange(options.yRange), bias: shape.bias, factorVecs: layout.factorVecs,
    ownBiasDecay: shape.bias && wd !== wdBias, wholeRow: software,
  };
  const shares = lazyShares(variant);
  const nRatings = batchSize * maxSteps;

  // Compiled before anything is allocated: a loss of the caller's may not compile.
  const [forwardPipeline, updatePipeline, loopPipeline] = await Promise.all([
    persistent ? undefined : gpu.compile(lazyForward(variant)),
    gpu.compile(lazyUpdate(variant)),
    persistent ? gpu.compile(lazySteps(variant, workgroupSize)) : undefined,
    gpu.compile(lossSums),
  ]);

  const chunk = new LazyChunk(layout, options, maxSteps);
  const steps = gpu.allocate('steps', 4 * STEP_SIZE * (maxSteps + 1));
  const ratings = gpu.allocate('ratings', 4 * RATING_SIZE * nRatings);
  const touches = gpu.allocate('touches', chunk.touches.byteLength);
  const members = gpu.allocate('members', 4 * 2 * nRatings);
  const outcomes = gpu.allocate('outcomes', 8 * nRatings);
  const buffers = { steps, ratings, touches, members, param: model.param, m: model.m, v: model.v, outcomes };
  const uniforms = { lossScale: 1 / batchSize, lo, hi, wd, wdBias, beta2, eps };
  const forward = forwardPipeline?.bind(buffers, uniforms);
  const update = updatePipeline.bind(buffers, uniforms);
  const loop = loopPipeline?.bind(buffers, { ...uniforms, batchSize });
  const batchLosses = await BatchLosses.create(gpu, outcomes, 2, batchSize, maxSteps);
  const bindings = [forward, update, loop];

  const grouper = new BatchGrouper(train, shape.nUsers, shape.nItems, batchSize, maxSteps);
  let table: StepTable;

  return {
    name: persistent ? 'persistent' : 'lazy',
    begin(schedule, stepCount) {
      table = new StepTable(schedule, options, stepCount);
    },
    run(order, batch, step, nSteps) {
      const { touchStart, members: grouped, ...batches } = grouper.group(order, batch, nSteps);
      chunk.build({ touchStart, members: grouped, ...batches }, table, step);
      const nTouches = touchStart[nSteps];
      gpu.write(steps, table.slice(step, touchStart));
      gpu.write(ratings, batches.ratings);
      gpu.write(touches, chunk.touches.subarray(0, LAZY_TOUCH_SIZE * (nTouches + layout.nRows)));
      gpu.write(members, grouped);

      const replay = Math.max(0, Math.min(table.replayEnd - step, nSteps));
      const recorder = gpu.record('lazy steps');
      // The touches that move every row to its first step come after those of all steps.
      recorder.dispatch(update, layout.nRows * shares, { step: 0, firstTouch: nTouches, nTouches: layout.nRows, replayEnd: replay });
      if (loop) recorder.dispatchGroups(loop, 1, { nSteps, replayEnd: replay });
      for (let s = 0; forward && s < nSteps; s++) {
        const touched = touchStart[s + 1] - touchStart[s];
        recorder.dispatch(forward, batchSize, { first: s * batchSize, nRatings: batchSize });
        recorder.dispatch(update, touched * shares, { step: s, firstTouch: touchStart[s], nTouches: touched, replayEnd: replay });
      }
      batchLosses.record(recorder, nSteps).submit();
    },
    readLosses: (nSteps) => batchLosses.read(nSteps),
    release() {
      batchLosses.release();
      bindings.forEach((binding) => binding?.release());
      gpu.release(steps, ratings, touches, members, outcomes);
    },
  };
}

/** The `Step` structs of a schedule, 0..nSteps, and the running products that give any idle stretch its decays. */
class StepTable {
  readonly #floats: Float32Array<ArrayBuffer>;
  readonly #words: Uint32Array<ArrayBuffer>;
  /** Rows replay idle steps before this one; from it on the closed form holds. */
  readonly replayEnd: number;

  constructor(readonly schedule: Schedule, { wd, wdBias, beta2, eps }: StepOptions, stepCount: number) {
    const { lr, mom } = schedule;
    this.#floats = new Float32Array((lr.length + 1) * STEP_SIZE);
    this.#words = new Uint32Array(this.#floats.buffer);
    lr.forEach((lrOfStep, t) => {
      const rate = rateOf(lrOfStep, mom[t], beta2, stepCount + t + 1);
      this.#floats.set([rate.lr, rate.mom, rate.stepSize, rate.vScale], t * STEP_SIZE);
    });
    const decays = [wd, wdBias];
    this.replayEnd = Math.max(...decays.map((decay, i) => {
      const idle = { wd: decay, beta2, eps, stepCount };
      const poles = idlePoles(schedule, idle);
      for (let t = 0; t <= lr.length; t++) {
        const at = t * STEP_SIZE + STEP_POLES[i];
        for (let p = 0; p < N_POLES; p++) {
          this.#floats[at + p] = poles.weights[t * N_POLES + p];
          this.#floats[at + 4 + p] = poles.shifts[t * N_POLES + p];
        }
      }
      return replayEnd(schedule, idle, poles);
    }));
  }

  /** The Steps from `step` on, one more than there are batches in `touchStart`. */
  slice(step: number, touchStart: Uint32Array): Uint32Array<ArrayBuffer> {
    touchStart.forEach((first, s) => (this.#words[(step + s) * STEP_SIZE + STEP_FIRST_TOUCH] = first));
    return this.#words.subarray(step * STEP_SIZE, (step + touchStart.length) * STEP_SIZE);
  }
}

/**
 * The touches of a chunk of steps for lazy rows, built backwards from its end, so that each touch knows the row's next.
 * A row that is touched c times from now on is read in copy c mod 2 of the parameters and written in the other: after
 * its last touch it is in copy 0.
 */
class LazyChunk {
  readonly touches: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #next: Uint32Array;
  readonly #remaining: Uint32Array;
  readonly #products: readonly Float64Array[];
  readonly #rootDecay: Float64Array;

  constructor(readonly layout: RowLayout, readonly options: StepOptions, maxSteps: number) {
    this.touches = new Uint32Array(LAZY_TOUCH_SIZE * (2 * options.batchSize * maxSteps + layout.nRows));
    this.#floats = new Float32Array(this.touches.buffer);
    this.#next = new Uint32Array(layout.nRows);
    this.#remaining = new Uint32Array(layout.nRows);
    this.#products = [0, 1, 2].map(() => new Float64Array(maxSteps + 1));
    this.#rootDecay = Float64Array.from({ length: maxSteps + 1 }, (_, gap) => options.beta2 ** (gap / 2));
  }

  /** Fills `touches`, and turns the rows in the chunk's ratings into addresses. */
  build({ nSteps, ratings, touches, touchStart }: BatchChunk, table: StepTable, step: number): void {
    const { batchSize } = this.options;
    const remaining = this.#remaining.fill(0);
    const replay = Math.max(0, table.replayEnd - step);
    this.#multiply(table.schedule, step, nSteps);
    this.#next.fill(nSteps);
    for (let s = nSteps - 1; s >= 0; s--) {
      for (let t = touchStart[s]; t < touchStart[s + 1]; t++) {
        const row = touches[TOUCH_SIZE * t];
        remaining[row]++;
        this.#write(t, row, remaining[row], remaining[row] - 1, s + 1, replay);
        for (let i = 1; i < TOUCH_SIZE; i++) this.touches[LAZY_TOUCH_SIZE * t + 2 + i] = touches[TOUCH_SIZE * t + i];
        this.#next[row] = s;
      }
      for (let k = s * batchSize; k < (s + 1) * batchSize; k++) {
        for (let i = RATING_SIZE * k; i < RATING_SIZE * k + 2; i++) ratings[i] = this.#address(ratings[i], remaining[ratings[i]]);
      }
    }
    const first = touchStart[nSteps];
    for (let row = 0; row < this.layout.nRows; row++) this.#write(first + row, row, 0, remaining[row], 0, replay);
  }

  #address(row: number, copy: number): number {
    const { nRows, rowVecs } = this.layout;
    return ((copy & 1) * nRows + row) * rowVecs;
  }

  /** A touch without ratings. */
  #write(touch: number, row: number, readCopy: number, writeCopy: number, idleBegin: number, replay: number): void {
    const { touches } = this;
    const [logMom, wd, wdBias] = this.#products;
    const at = LAZY_TOUCH_SIZE * touch;
    const idleEnd = this.#next[row];
    const mid = Math.max(idleBegin, Math.min(replay, idleEnd));
    touches[at] = this.#address(row, readCopy);
    touches[at + 1] = this.#address(row, writeCopy);
    touches[at + 2] = row * this.layout.rowVecs;
    touches[at + 3] = touches[at + 4] = touches[at + 5] = 0;
    touches[at + 6] = idleBegin;
    touches[at + 7] = idleEnd;
    this.#floats[at + 8] = Math.exp(logMom[idleEnd] - logMom[mid]);
    this.#floats[at + 9] = wd[idleEnd] / wd[mid];
    this.#floats[at + 10] = wdBias[idleEnd] / wdBias[mid];
    this.#floats[at + 11] = this.#rootDecay[idleEnd - mid];
  }

  /** Running products over the chunk of 1 - lr wd and 1 - lr wdBias; of beta1 the logarithm, for it vanishes in a long chunk. */
  #multiply({ lr, mom }: Schedule, step: number, nSteps: number): void {
    const [logMom, wdProduct, wdBiasProduct] = this.#products;
    logMom[0] = 0;
    wdProduct[0] = wdBiasProduct[0] = 1;
    for (let s = 0; s < nSteps; s++) {
      logMom[s + 1] = logMom[s] + Math.log(Math.max(mom[step + s], TINY));
      wdProduct[s + 1] = wdProduct[s] * (1 - lr[step + s] * this.options.wd);
      wdBiasProduct[s + 1] = wdBiasProduct[s] * (1 - lr[step + s] * this.options.wdBias);
    }
  }
}

/** Stands for a momentum of 0, which has no logarithm. */
const TINY = 1e-30;
