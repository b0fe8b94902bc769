import { adam, rateOf } from '../../shaders/ops/adam.js';
import { STEP_SIZE } from '../../shaders/ops/idle-adam.js';
import { sigmoidRange } from '../../shaders/ops/sigmoid-range.js';
import { LAZY_MEMBER_SIZE, LAZY_TOUCH_SIZE, lazyStep } from '../../shaders/lazy-step.wgsl.js';
import { meanLoss } from '../../shaders/mean-loss.wgsl.js';
import { RATING_SIZE, TOUCH_SIZE } from '../../shaders/rating.js';
import { BatchGrouper, type BatchChunk } from '../batches.js';
import { idlePoles, N_POLES, replayEnd } from '../idle-adam.js';
import type { RowLayout } from '../model.js';
import type { Schedule } from '../schedule.js';
import type { PathInput, StepOptions, StepPath } from './path.js';

/** Invocations of the one workgroup that makes many steps. */
const PERSISTENT_SIZE = 128;

/**
 * Steps that touch only the rows of the batch, one dispatch each or many steps in one, with dense Adam's numbers: see
 * shaders/lazy-step.wgsl.ts. A chunk begins with one dispatch that moves every row to its first touch.
 */
export async function lazyPath({ model, train, options, maxSteps }: PathInput, persistent: boolean): Promise<StepPath> {
  if (options.optimizer !== adam) throw new RangeError(`The lazy path is Adam's; train with path 'dense' for ${options.optimizer.name}.`);
  const { gpu, layout, shape } = model;
  const { batchSize, loss, wd, wdBias, beta2, eps } = options;
  const range = sigmoidRange(options.yRange);
  const [lo, hi] = options.yRange ?? [0, 1];
  const nRatings = batchSize * maxSteps;

  const chunk = new LazyChunk(layout, options, maxSteps);
  const steps = gpu.allocate('steps', 4 * STEP_SIZE * (maxSteps + 1));
  const touchStart = gpu.allocate('touchStart', chunk.touchStart.byteLength);
  const touches = gpu.allocate('touches', chunk.touches.byteLength);
  const members = gpu.allocate('members', chunk.members.byteLength);
  const losses = gpu.allocate('losses', 4 * nRatings);
  const meanLosses = gpu.allocate('meanLosses', 4 * maxSteps);

  const variant = { loss, range, bias: shape.bias, factorVecs: layout.factorVecs };
  const [one, many, mean] = await Promise.all([
    gpu.compile(lazyStep({ ...variant, persistent: null })),
    gpu.compile(lazyStep({ ...variant, persistent: persistent ? PERSISTENT_SIZE : null })),
    gpu.compile(meanLoss),
  ]);
  const buffers = { steps, touchStart, touches, members, param: model.param, m: model.m, v: model.v, losses };
  const uniforms = { batchSize, lo, hi, wd, wdBias, beta2, eps };
  const makeStep = one.bind(buffers, uniforms);
  const makeSteps = many.bind(buffers, uniforms);
  const average = mean.bind({ losses, meanLosses }, { batchSize });

  const grouper = new BatchGrouper(train, shape.nUsers, shape.nItems, batchSize, maxSteps);
  let table: StepTable;

  return {
    name: persistent ? 'persistent' : 'lazy',
    meanLosses,
    begin(schedule, stepCount) {
      table = new StepTable(schedule, options, stepCount);
    },
    run(order, batch, step, nSteps) {
      chunk.build(grouper.group(order, batch, nSteps), table, step);
      gpu.write(steps, table.words.subarray(step * STEP_SIZE, (step + nSteps + 1) * STEP_SIZE));
      gpu.write(touchStart, chunk.touchStart.subarray(0, nSteps + 2));
      gpu.write(touches, chunk.touches.subarray(0, LAZY_TOUCH_SIZE * chunk.touchStart[nSteps + 1]));
      gpu.write(members, chunk.members.subarray(0, LAZY_MEMBER_SIZE * 2 * nSteps * batchSize));
      const replay = Math.max(0, Math.min(table.replayEnd - step, nSteps));
      const recorder = gpu.record('lazy steps');
      // Touches of the rows' advance to their first step come after those of all steps.
      recorder.dispatch(makeStep, layout.nRows, { step: nSteps, nSteps: 1, replayEnd: replay });
      if (persistent) {
        recorder.dispatchGroups(makeSteps, 1, { step: 0, nSteps, replayEnd: replay });
      } else {
        for (let s = 0; s < nSteps; s++) {
          recorder.dispatch(makeStep, chunk.touchStart[s + 1] - chunk.touchStart[s], { step: s, nSteps: 1, replayEnd: replay });
        }
      }
      recorder.dispatchGroups(average, nSteps, { nSteps }).submit();
    },
    release() {
      gpu.release(steps, touchStart, touches, members, losses, meanLosses);
    },
  };
}

/** The `Step` structs of a schedule, 0..nSteps, and the running products that give any idle stretch its decays. */
class StepTable {
  readonly words: Float32Array<ArrayBuffer>;
  /** Rows replay idle steps before this one; from it on the closed form holds. */
  readonly replayEnd: number;

  constructor(readonly schedule: Schedule, { wd, wdBias, beta2, eps, }: StepOptions, stepCount: number) {
    const { lr, mom } = schedule;
    this.words = new Float32Array((lr.length + 1) * STEP_SIZE);
    lr.forEach((lrOfStep, t) => {
      const rate = rateOf(lrOfStep, mom[t], beta2, stepCount + t + 1);
      this.words.set([rate.lr, rate.mom, rate.stepSize, rate.vScale], t * STEP_SIZE);
    });
    const decays = [wd, wdBias];
    this.replayEnd = Math.max(...decays.map((decay, i) => {
      const idle = { wd: decay, beta2, eps, stepCount };
      const poles = idlePoles(schedule, idle);
      for (let t = 0; t <= lr.length; t++) {
        const at = t * STEP_SIZE + 4 + 8 * i;
        for (let p = 0; p < N_POLES; p++) {
          this.words[at + p] = poles.weights[t * N_POLES + p];
          this.words[at + 4 + p] = poles.shifts[t * N_POLES + p];
        }
      }
      return replayEnd(schedule, idle, poles);
    }));
  }
}

/**
 * The touches of a chunk of steps for lazy rows, built backwards from its end, so that each touch knows the row's next.
 * A row that is touched c times from now on is read in copy c mod 2 of the parameters and written in the other: after
 * its last touch it is in copy 0.
 */
class LazyChunk {
  readonly touches: Uint32Array<ArrayBuffer>;
  readonly touchStart: Uint32Array<ArrayBuffer>;
  readonly members: Uint32Array<ArrayBuffer>;
  readonly #touchFloats: Float32Array;
  readonly #next: Uint32Array;
  readonly #remaining: Uint32Array;
  readonly #products: Float64Array[];
  readonly #rootDecay: Float64Array;

  constructor(readonly layout: RowLayout, readonly options: StepOptions, maxSteps: number) {
    const nMembers = 2 * options.batchSize * maxSteps;
    this.touches = new Uint32Array(LAZY_TOUCH_SIZE * (nMembers + layout.nRows));
    this.#touchFloats = new Float32Array(this.touches.buffer);
    this.touchStart = new Uint32Array(maxSteps + 2);
    this.members = new Uint32Array(LAZY_MEMBER_SIZE * nMembers);
    this.#next = new Uint32Array(layout.nRows);
    this.#remaining = new Uint32Array(layout.nRows);
    this.#products = [0, 1, 2].map(() => new Float64Array(maxSteps + 1));
    this.#rootDecay = Float64Array.from({ length: maxSteps + 1 }, (_, gap) => options.beta2 ** (gap / 2));
  }

  build({ nSteps, ratings, touches, touchStart, members }: BatchChunk, table: StepTable, step: number): void {
    const { batchSize } = this.options;
    const { nRows } = this.layout;
    const replay = Math.max(0, table.replayEnd - step);
    this.#multiply(table.schedule, step, nSteps);
    this.#next.fill(nSteps);
    this.#remaining.fill(0);
    for (let s = nSteps - 1; s >= 0; s--) {
      for (let t = touchStart[s]; t < touchStart[s + 1]; t++) {
        const at = TOUCH_SIZE * t;
        const row = touches[at];
        const begin = touches[at + 1];
        const isItem = touches[at + 3] === 1;
        this.#remaining[row]++;
        this.#write(t, row, begin, touches[at + 2], isItem ? NO_LOSS : begin - s * batchSize, s + 1, replay);
        this.#next[row] = s;
      }
      for (let j = 2 * s * batchSize; j < 2 * (s + 1) * batchSize; j++) {
        const k = members[j];
        // The first half of a step's members is grouped by user, the second by item.
        const other = ratings[RATING_SIZE * k + (j < (2 * s + 1) * batchSize ? 1 : 0)];
        this.members[LAZY_MEMBER_SIZE * j] = this.#address(other, this.#remaining[other]);
        this.members[LAZY_MEMBER_SIZE * j + 1] = ratings[RATING_SIZE * k + 2];
      }
    }
    this.touchStart.set(touchStart);
    const first = touchStart[nSteps];
    for (let row = 0; row < nRows; row++) this.#write(first + row, row, 0, 0, NO_LOSS, 0, replay, 0);
    this.touchStart[nSteps + 1] = first + nRows;
  }

  #address(row: number, remaining: number): number {
    const { nRows, rowVecs } = this.layout;
    return ((remaining & 1) * nRows + row) * rowVecs;
  }

  #write(touch: number, row: number, begin: number, end: number, lossOffset: number, from: number, replay: number, readCopy = this.#remaining[row]): void {
    const words = this.touches;
    const floats = this.#touchFloats;
    const [mom, wd, wdBias] = this.#products;
    const at = LAZY_TOUCH_SIZE * touch;
    const next = this.#next[row];
    const mid = Math.max(from, Math.min(replay, next));
    words[at] = this.#address(row, readCopy);
    words[at + 1] = this.#address(row, begin < end ? readCopy - 1 : this.#remaining[row]);
    words[at + 2] = row * this.layout.rowVecs;
    words[at + 3] = begin;
    words[at + 4] = end;
    words[at + 5] = lossOffset;
    words[at + 6] = from;
    words[at + 7] = next;
    floats[at + 8] = mom[mid] > 0 ? mom[next] / mom[mid] : 0;
    floats[at + 9] = wd[next] / wd[mid];
    floats[at + 10] = wdBias[next] / wdBias[mid];
    floats[at + 11] = this.#rootDecay[next - mid];
  }

  /** Running products over the chunk of beta1, 1 - lr wd and 1 - lr wdBias. */
  #multiply({ lr, mom }: Schedule, step: number, nSteps: number): void {
    const [momProduct, wdProduct, wdBiasProduct] = this.#products;
    momProduct[0] = wdProduct[0] = wdBiasProduct[0] = 1;
    for (let s = 0; s < nSteps; s++) {
      momProduct[s + 1] = momProduct[s] * mom[step + s];
      wdProduct[s + 1] = wdProduct[s] * (1 - lr[step + s] * this.options.wd);
      wdBiasProduct[s + 1] = wdBiasProduct[s] * (1 - lr[step + s] * this.options.wdBias);
    }
  }
}

const NO_LOSS = 0xffffffff;
