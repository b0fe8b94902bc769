import { Rating, LazyTouch, Touch } from '../../shaders/ops/structs.js';
import type { BatchChunk } from '../data/batches.js';
import { StructArray } from '../gpu/struct.js';
import type { RowLayout } from '../model/layout.js';
import type { Schedule } from '../schedule/schedule.js';
import type { StepOptions } from './stepper.js';

/** Stands for a factor of 0, which has no logarithm. */
const TINY = 1e-30;

const { read: READ, write: WRITE, state: STATE, begin: BEGIN, end: END, isItem: IS_ITEM } = LazyTouch.at;
const { idleBegin: IDLE_BEGIN, idleEnd: IDLE_END, decays: DECAYS, wd: WD } = LazyTouch.at;

/** The product of an optimiser's own factor over steps [from, to) of the chunk. */
type Decay = (from: number, to: number) => number;

/**
 * The touches of a chunk of steps for lazy rows, built backwards from its end, so that each touch knows the row's next.
 * A row that is touched c times from now on is read in copy c mod 2 of the parameters and written in the other: after
 * its last touch it is in copy 0.
 */
export class LazyChunk {
  readonly touches: StructArray<(typeof LazyTouch)['fields']>;
  readonly #next: Uint32Array;
  readonly #remaining: Uint32Array;
  /** Logarithms of running products over the chunk, for these may vanish: of 1 - lr wd, of 1 - lr wdBias and of beta1. */
  readonly #logWd: Float64Array;
  readonly #logWdBias: Float64Array;
  readonly #logBeta1: Float64Array;
  readonly #decays: readonly Decay[];

  constructor(
    readonly layout: RowLayout,
    readonly options: StepOptions,
    decays: readonly ('beta1' | number)[],
    maxSteps: number,
  ) {
    this.touches = new StructArray(LazyTouch, 2 * options.batchSize * maxSteps + layout.nRows);
    this.#next = new Uint32Array(layout.nRows);
    this.#remaining = new Uint32Array(layout.nRows);
    const [logWd, logWdBias, logBeta1] = [0, 1, 2].map(() => new Float64Array(maxSteps + 1));
    [this.#logWd, this.#logWdBias, this.#logBeta1] = [logWd, logWdBias, logBeta1];
    this.#decays = decays.map((decay): Decay => {
      if (decay === 'beta1') return (from, to) => Math.exp(logBeta1[to] - logBeta1[from]);
      const powers = Float64Array.from({ length: maxSteps + 1 }, (_, n) => decay ** n);
      return (from, to) => powers[to - from];
    });
  }

  /**
   * Fills `touches`, and turns the rows in the chunk's ratings into addresses: from then on they are `LazyRating`s.
   *
   * @param step of the schedule, with which the chunk begins
   * @param replayEnd the step of the chunk from which the closed form holds
   */
  build({ nSteps, ratings, touches, touchStart }: BatchChunk, schedule: Schedule, step: number, replayEnd: number): void {
    const { batchSize } = this.options;
    const remaining = this.#remaining.fill(0);
    const own = this.touches.words;
    this.#multiply(schedule, step, nSteps);
    this.#next.fill(nSteps);
    for (let s = nSteps - 1; s >= 0; s--) {
      for (let t = touchStart[s]; t < touchStart[s + 1]; t++) {
        const from = Touch.size * t;
        const at = LazyTouch.size * t;
        const row = touches.words[from + Touch.at.row];
        remaining[row]++;
        this.#write(t, row, remaining[row], remaining[row] - 1, s + 1, replayEnd);
        own[at + BEGIN] = touches.words[from + Touch.at.begin];
        own[at + END] = touches.words[from + Touch.at.end];
        own[at + IS_ITEM] = touches.words[from + Touch.at.isItem];
        this.#next[row] = s;
      }
      for (let k = s * batchSize; k < (s + 1) * batchSize; k++) {
        const user = Rating.size * k + Rating.at.user;
        const item = Rating.size * k + Rating.at.item;
        ratings.words[user] = this.#address(ratings.words[user], remaining[ratings.words[user]]);
        ratings.words[item] = this.#address(ratings.words[item], remaining[ratings.words[item]]);
      }
    }
    const first = touchStart[nSteps];
    for (let row = 0; row < this.layout.nRows; row++) this.#write(first + row, row, 0, remaining[row], 0, replayEnd);
  }

  #address(row: number, copy: number): number {
    const { nRows, rowVecs } = this.layout;
    return ((copy & 1) * nRows + row) * rowVecs;
  }

  /** A touch without ratings. */
  #write(touch: number, row: number, readCopy: number, writeCopy: number, idleBegin: number, replayEnd: number): void {
    const { words, floats } = this.touches;
    const at = LazyTouch.size * touch;
    const idleEnd = this.#next[row];
    const mid = Math.max(idleBegin, Math.min(replayEnd, idleEnd));
    words[at + READ] = this.#address(row, readCopy);
    words[at + WRITE] = this.#address(row, writeCopy);
    words[at + STATE] = row * this.layout.rowVecs;
    words[at + BEGIN] = words[at + END] = words[at + IS_ITEM] = 0;
    words[at + IDLE_BEGIN] = idleBegin;
    words[at + IDLE_END] = idleEnd;
    for (let i = 0; i < this.#decays.length; i++) floats[at + DECAYS + i] = this.#decays[i](mid, idleEnd);
    const { wd, wdBias } = this.options;
    const wdDecay = Math.exp(this.#logWd[idleEnd] - this.#logWd[mid]);
    floats[at + WD] = wdDecay;
    floats[at + WD + 1] = wdBias === wd ? wdDecay : Math.exp(this.#logWdBias[idleEnd] - this.#logWdBias[mid]);
  }

  #multiply({ lr, beta1 }: Schedule, step: number, nSteps: number): void {
    const { wd, wdBias } = this.options;
    const log = (factor: number) => Math.log(Math.max(factor, TINY));
    for (let s = 0; s < nSteps; s++) {
      this.#logBeta1[s + 1] = this.#logBeta1[s] + log(beta1[step + s]);
      this.#logWd[s + 1] = this.#logWd[s] + log(1 - lr[step + s] * wd);
      this.#logWdBias[s + 1] = this.#logWdBias[s] + log(1 - lr[step + s] * wdBias);
    }
  }
}
