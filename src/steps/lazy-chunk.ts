import { LAZY_TOUCH_SIZE } from '../../shaders/train/lazy-step.wgsl.js';
import { RATING_SIZE, TOUCH_SIZE } from '../../shaders/ops/structs.js';
import type { BatchChunk } from '../data/batches.js';
import type { RowLayout } from '../model/tables.js';
import type { Schedule } from '../schedule/schedule.js';
import type { StepOptions } from './stepper.js';
import type { StepTable } from './step-table.js';

/** Stands for a momentum of 0, which has no logarithm. */
const TINY = 1e-30;

/**
 * The touches of a chunk of steps for lazy rows, built backwards from its end, so that each touch knows the row's next.
 * A row that is touched c times from now on is read in copy c mod 2 of the parameters and written in the other: after
 * its last touch it is in copy 0.
 */
export class LazyChunk {
  readonly touches: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #next: Uint32Array;
  readonly #remaining: Uint32Array;
  readonly #products: readonly Float64Array[];
  readonly #rootDecay: Float64Array;

  constructor(
    readonly layout: RowLayout,
    readonly options: StepOptions,
    maxSteps: number,
  ) {
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
    const [logBeta1, wd, wdBias] = this.#products;
    const at = LAZY_TOUCH_SIZE * touch;
    const idleEnd = this.#next[row];
    const mid = Math.max(idleBegin, Math.min(replay, idleEnd));
    touches[at] = this.#address(row, readCopy);
    touches[at + 1] = this.#address(row, writeCopy);
    touches[at + 2] = row * this.layout.rowVecs;
    touches[at + 3] = touches[at + 4] = touches[at + 5] = 0;
    touches[at + 6] = idleBegin;
    touches[at + 7] = idleEnd;
    this.#floats[at + 8] = Math.exp(logBeta1[idleEnd] - logBeta1[mid]);
    this.#floats[at + 9] = wd[idleEnd] / wd[mid];
    this.#floats[at + 10] = wdBias[idleEnd] / wdBias[mid];
    this.#floats[at + 11] = this.#rootDecay[idleEnd - mid];
  }

  /** Running products over the chunk of 1 - lr wd and 1 - lr wdBias; of beta1 the logarithm, for it vanishes in a long chunk. */
  #multiply({ lr, beta1 }: Schedule, step: number, nSteps: number): void {
    const [logBeta1, wdProduct, wdBiasProduct] = this.#products;
    logBeta1[0] = 0;
    wdProduct[0] = wdBiasProduct[0] = 1;
    for (let s = 0; s < nSteps; s++) {
      logBeta1[s + 1] = logBeta1[s] + Math.log(Math.max(beta1[step + s], TINY));
      wdProduct[s + 1] = wdProduct[s] * (1 - lr[step + s] * this.options.wd);
      wdBiasProduct[s + 1] = wdBiasProduct[s] * (1 - lr[step + s] * this.options.wdBias);
    }
  }
}
