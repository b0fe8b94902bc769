import { Rating, Touch } from '../../shaders/ops/structs.js';
import { StructArray } from '../gpu/struct.js';
import type { Ratings } from './collab-data.js';
import { packRatings } from './pack-ratings.js';

/** Consecutive batches, grouped by table row. Item rows come after the `nUsers` user rows. */
export interface BatchChunk {
  /** Number of batches. */
  nSteps: number;
  /** Ratings, batch after batch. */
  ratings: StructArray<(typeof Rating)['fields']>;
  /** Touches; those of batch s are [touchStart[s], touchStart[s + 1]), users first. */
  touches: StructArray<(typeof Touch)['fields']>;
  touchStart: Uint32Array<ArrayBuffer>;
  /** Positions in `ratings`, grouped by touch. */
  members: Uint32Array<ArrayBuffer>;
}

const { row: ROW, begin: BEGIN, end: END, isItem: IS_ITEM } = Touch.at;
const SIDES = [Rating.at.user, Rating.at.item] as const;

/**
 * Takes batches in a given order and groups each by user row and by item row, so that the owner of a row can sum its
 * gradient without atomics and always in the same order. The time is linear in the number of ratings. The next call reuses
 * the arrays.
 */
export class BatchGrouper {
  readonly #slot: Int32Array;
  readonly #ratings: BatchChunk['ratings'];
  readonly #touches: BatchChunk['touches'];
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
    this.#ratings = new StructArray(Rating, nRatings);
    this.#touches = new StructArray(Touch, 2 * nRatings);
    this.#touchStart = new Uint32Array(maxSteps + 1);
    this.#members = new Uint32Array(2 * nRatings);
  }

  /**
   * @param order training rows, of which batch s takes order[start[s]] to order[start[s + 1] - 1]; it may be empty
   */
  group(order: Uint32Array, start: Uint32Array): BatchChunk {
    const nSteps = start.length - 1;
    packRatings(this.#ratings, this.train, this.nUsers, start[nSteps] - start[0], start[0], order);
    let nTouches = 0;
    let nMembers = 0;
    for (let step = 0; step < nSteps; step++) {
      this.#touchStart[step] = nTouches;
      for (let side = 0; side < 2; side++) {
        const [begin, end] = [start[step] - start[0], start[step + 1] - start[0]];
        nTouches = this.#groupSide(begin, end, side, nTouches, nMembers);
        nMembers += end - begin;
      }
    }
    this.#touchStart[nSteps] = nTouches;
    return {
      nSteps,
      ratings: this.#ratings,
      touches: this.#touches,
      touchStart: this.#touchStart.subarray(0, nSteps + 1),
      members: this.#members.subarray(0, nMembers),
    };
  }

  /**
   * Groups one batch by the rows of one side (0 users, 1 items), in the order in which they first appear: a counting sort over
   * only these rows. Returns the number of touches so far.
   */
  #groupSide(begin: number, end: number, side: number, firstTouch: number, firstMember: number): number {
    const slot = this.#slot;
    const ratings = this.#ratings.words;
    const touches = this.#touches.words;
    const own = SIDES[side];
    const rating = Rating.size;
    const size = Touch.size;
    let nTouches = firstTouch;
    for (let k = begin; k < end; k++) {
      const row = ratings[rating * k + own];
      let touch = slot[row];
      if (touch < 0) {
        touch = slot[row] = nTouches++;
        touches[size * touch + ROW] = row;
        touches[size * touch + END] = 0;
        touches[size * touch + IS_ITEM] = side;
      }
      touches[size * touch + END]++;
    }
    for (let touch = firstTouch, member = firstMember; touch < nTouches; touch++) {
      const count = touches[size * touch + END];
      touches[size * touch + BEGIN] = touches[size * touch + END] = member;
      member += count;
    }
    for (let k = begin; k < end; k++) {
      const touch = slot[ratings[rating * k + own]];
      this.#members[touches[size * touch + END]++] = k;
    }
    for (let touch = firstTouch; touch < nTouches; touch++) slot[touches[size * touch + ROW]] = -1;
    return nTouches;
  }
}
