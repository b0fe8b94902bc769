import { RATING_SIZE, TOUCH_SIZE } from '../../shaders/ops/structs.js';
import type { Ratings } from './collab-data.js';

/** Consecutive batches of an epoch, grouped by table row. Item rows come after the `nUsers` user rows. */
export interface BatchChunk {
  nSteps: number;
  /** Rating structs, batch after batch. */
  ratings: Uint32Array<ArrayBuffer>;
  /** Touch structs; those of batch s are [touchStart[s], touchStart[s + 1]), users first. */
  touches: Uint32Array<ArrayBuffer>;
  touchStart: Uint32Array<ArrayBuffer>;
  /** Positions in `ratings`, grouped by touch. */
  members: Uint32Array<ArrayBuffer>;
}

/**
 * Takes batches in a given order and groups each by user row and by item row, so that the owner of a row can sum its
 * gradient without atomics, always in the same order. Linear in the batch; the arrays are reused by the next call.
 */
export class BatchGrouper {
  readonly #slot: Int32Array;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #touches: Uint32Array<ArrayBuffer>;
  readonly #touchStart: Uint32Array<ArrayBuffer>;
  readonly #members: Uint32Array<ArrayBuffer>;

  constructor(
    readonly train: Ratings,
    readonly nUsers: number,
    nItems: number,
    readonly batchSize: number,
    readonly maxSteps: number,
  ) {
    const nRatings = batchSize * maxSteps;
    this.#slot = new Int32Array(nUsers + nItems).fill(-1);
    this.#words = new Uint32Array(nRatings * RATING_SIZE);
    this.#floats = new Float32Array(this.#words.buffer);
    this.#touches = new Uint32Array(2 * nRatings * TOUCH_SIZE);
    this.#touchStart = new Uint32Array(maxSteps + 1);
    this.#members = new Uint32Array(2 * nRatings);
  }

  /** Groups batches `first` to `first + nSteps - 1` of an epoch; `order` lists its training rows. */
  group(order: Uint32Array, first: number, nSteps: number): BatchChunk {
    const { users, items, ratings } = this.train;
    const { batchSize, nUsers } = this;
    for (let k = 0; k < nSteps * batchSize; k++) {
      const row = order[first * batchSize + k];
      this.#words[RATING_SIZE * k] = users[row];
      this.#words[RATING_SIZE * k + 1] = nUsers + items[row];
      this.#floats[RATING_SIZE * k + 2] = ratings[row];
    }
    let nTouches = 0;
    let nMembers = 0;
    for (let step = 0; step < nSteps; step++) {
      this.#touchStart[step] = nTouches;
      for (let side = 0; side < 2; side++) {
        nTouches = this.#groupSide(step, side, nTouches, nMembers);
        nMembers += batchSize;
      }
    }
    this.#touchStart[nSteps] = nTouches;
    return {
      nSteps,
      ratings: this.#words.subarray(0, RATING_SIZE * nSteps * batchSize),
      touches: this.#touches.subarray(0, TOUCH_SIZE * nTouches),
      touchStart: this.#touchStart.subarray(0, nSteps + 1),
      members: this.#members.subarray(0, nMembers),
    };
  }

  /** A counting sort of one batch by the rows of one side (0 users, 1 items), rows in order of first appearance. */
  #groupSide(step: number, side: number, firstTouch: number, firstMember: number): number {
    const begin = step * this.batchSize;
    const end = begin + this.batchSize;
    const touches = this.#touches;
    let nTouches = firstTouch;
    for (let k = begin; k < end; k++) {
      const row = this.#words[RATING_SIZE * k + side];
      let touch = this.#slot[row];
      if (touch < 0) {
        touch = this.#slot[row] = nTouches++;
        touches[TOUCH_SIZE * touch] = row;
        touches[TOUCH_SIZE * touch + 2] = 0;
        touches[TOUCH_SIZE * touch + 3] = side;
      }
      touches[TOUCH_SIZE * touch + 2]++;
    }
    for (let touch = firstTouch, member = firstMember; touch < nTouches; touch++) {
      const count = touches[TOUCH_SIZE * touch + 2];
      touches[TOUCH_SIZE * touch + 1] = touches[TOUCH_SIZE * touch + 2] = member;
      member += count;
    }
    for (let k = begin; k < end; k++) {
      const touch = this.#slot[this.#words[RATING_SIZE * k + side]]!;
      this.#members[touches[TOUCH_SIZE * touch + 2]++] = k;
    }
    for (let touch = firstTouch; touch < nTouches; touch++) this.#slot[touches[TOUCH_SIZE * touch]] = -1;
    return nTouches;
  }
}
