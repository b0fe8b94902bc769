import { CHUNK, Member, NO_CHUNK, RowTouch } from '../../shaders/ops/structs.js';
import type { Ratings } from '../data/collab-data.js';

/** Sizes of windows. */
export interface WindowSizes {
  readonly nUsers: number;
  readonly nRows: number;
  /** The most ratings of a step, and the most steps of a window. */
  readonly batchSize: number;
  readonly maxSteps: number;
}

/** The sizes of windows made on the host. */
export interface HostBatchSizes extends WindowSizes {
  /** Whether the touches of a side come by falling number of ratings. */
  readonly isSorted: boolean;
}

/** What a window of steps needs of its ratings: touches, members and entries as the device gets them. */
export interface HostWindow {
  readonly nSteps: number;
  /** Ratings before each step, [nSteps + 1], from 0. */
  readonly start: Uint32Array;
  /** `RowTouch` structs. Those of step s are [firstTouch[s], firstTouch[s + 1]), users before items. */
  readonly touches: Uint32Array<ArrayBuffer>;
  readonly firstTouch: Uint32Array<ArrayBuffer>;
  /** How many of a step's touches are of users, segment by segment, [nSteps, segmentsPerStep]. */
  readonly nUserTouches: Uint32Array<ArrayBuffer>;
  /** `Member` structs. */
  readonly members: Uint32Array<ArrayBuffer>;
  /** For each row, 2 the step of its first touch (or the number of steps) + the copy in which that reads it. */
  readonly entries: Uint32Array<ArrayBuffer>;
}

/** Arrays that hold the longest window. */
export type WindowRoom = Pick<HostWindow, 'touches' | 'members' | 'entries'>;

/** User row, item row (counted after the users) and rating of each training rating, side by side: one cache miss instead of three. */
export function interleave({ users, items, ratings }: Ratings, nUsers: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(3 * users.length);
  const floats = new Float32Array(words.buffer);
  for (let k = 0, at = 0; k < users.length; k++, at += 3) {
    words[at] = users[k];
    words[at + 1] = nUsers + items[k];
    floats[at + 2] = ratings[k];
  }
  return words;
}

/** Words kept for each row: ratings counted or placed, the copy to read (2 row + copy), and the step of the next touch. */
const COUNT = 0;
const PLACE = 1;
const NEXT = 2;
const ROW_WORDS = 4;

/** 1 for a count of 0, else 0: without a branch, of which the processor would guess one in three wrong. */
const isZero = (count: number) => (count - 1) >>> 31;

/** The most rows that a step touches. */
export const mostTouches = (batchSize: number, nUsers: number, nRows: number) =>
  Math.min(batchSize, nUsers) + Math.min(batchSize, nRows - nUsers);

/** Rows with as many members as this, or more, are not told apart when touches are sorted. */
const MOST_BINS = 64;

/**
 * Groups the ratings of a window's steps by table row, in one sweep from its last step to its first, so that each touch knows the
 * row's next. A row that is touched c more times in the window, this step included, is read in copy c mod 2 of the
 * parameters and written in the other: after its last touch it is in copy 0. The time is linear in the number of ratings and rows.
 *
 * The ratings of a row come in the order of the batch. The touches of a side come by falling number of ratings where `isSorted`,
 * so that invocations side by side have alike work; else in the order in which the rows first appear. It changes no result.
 */
export class HostBatches {
  readonly #rows: Uint32Array;
  readonly #batch: Uint32Array;
  readonly #sides: readonly [Uint32Array, Uint32Array];
  readonly #sorted: Uint32Array;
  readonly #bins = new Uint32Array(MOST_BINS + 1);
  readonly #binOf: Uint8Array;

  /** @param ratings all training ratings, of `interleave` */
  constructor(
    readonly ratings: Uint32Array,
    readonly sizes: HostBatchSizes,
  ) {
    const { nRows, batchSize } = sizes;
    this.#rows = new Uint32Array(ROW_WORDS * nRows);
    this.#batch = new Uint32Array(3 * batchSize);
    this.#sides = [new Uint32Array(batchSize + 1), new Uint32Array(batchSize + 1)]; // the last row seen may be no new one
    this.#sorted = new Uint32Array(batchSize);
    this.#binOf = new Uint8Array(batchSize);
  }

  /** Room for a window. */
  room(): WindowRoom {
    const { nUsers, nRows, batchSize, maxSteps } = this.sizes;
    return {
      touches: new Uint32Array(RowTouch.size * mostTouches(batchSize, nUsers, nRows) * maxSteps),
      members: new Uint32Array(2 * Member.size * batchSize * maxSteps),
      entries: new Uint32Array(nRows),
    };
  }

  /**
   * @param order training rows, of which step s takes order[start[s]] to order[start[s + 1] - 1]; a step may be empty
   * @param segments as in `Batches`
   * @param room where the window is made
   */
  build(
    order: Uint32Array,
    start: Uint32Array,
    segments: Uint32Array = start,
    { touches, members, entries }: WindowRoom = this.room(),
  ): HostWindow {
    const nSteps = start.length - 1;
    const perStep = nSteps === 0 ? 1 : (segments.length - 1) / nSteps;
    const { ratings } = this;
    const { nRows, batchSize } = this.sizes;
    const rows = this.#rows;
    const batch = this.#batch;
    const [users, items] = this.#sides;
    const firstTouch = new Uint32Array(nSteps + 1);
    const nUserTouches = new Uint32Array(nSteps * perStep);
    for (let row = 0, at = 0; row < nRows; row++, at += ROW_WORDS) {
      rows[at + PLACE] = 2 * row;
      rows[at + NEXT] = nSteps;
    }
    const nTouches = touches.length / RowTouch.size;
    let touch = (firstTouch[nSteps] = nTouches); // filled from its end, as steps come last to first
    for (let step = nSteps - 1; step >= 0; step--) {
      const n = start[step + 1] - start[step];
      if (n > batchSize) throw new RangeError(`A step has ${n} ratings, and room for ${batchSize}.`);
      // The ratings are anywhere: a loop that does nothing else waits for many of them at once.
      for (let k = start[step], at = 0; k < start[step + 1]; k++, at += 3) {
        const from = 3 * order[k];
        batch[at] = ROW_WORDS * ratings[from];
        batch[at + 1] = ROW_WORDS * ratings[from + 1];
        batch[at + 2] = ratings[from + 2];
      }
      let nUsers = 0;
      let nItems = 0;
      for (let segment = step * perStep, at = 0; segment < (step + 1) * perStep; segment++) {
        const before = nUsers;
        for (const end = 3 * (segments[segment + 1] - start[step]); at < end; at += 3) {
          const user = batch[at];
          const item = batch[at + 1];
          users[nUsers] = user;
          nUsers += isZero(rows[user + COUNT]++);
          items[nItems] = item;
          nItems += isZero(rows[item + COUNT]++);
        }
        nUserTouches[segment] = nUsers - before;
      }
      firstTouch[step] = touch -= nUsers + nItems;
      const member = 2 * (start[step] - start[0]);
      let [nTouched, nMembers] = [0, 0];
      for (let segment = step * perStep; segment < (step + 1) * perStep; segment++) {
        const end = nTouched + nUserTouches[segment];
        this.#touch(touches, users, nTouched, end, step, touch + nTouched, member + nMembers);
        nMembers += segments[segment + 1] - segments[segment];
        nTouched = end;
      }
      this.#touch(touches, items, 0, nItems, step, touch + nUsers, member + n);
      for (let at = 0; at < 3 * n; at += 3) {
        const user = batch[at];
        const item = batch[at + 1];
        const y = batch[at + 2];
        const ofUser = Member.size * rows[user + COUNT]++;
        const ofItem = Member.size * rows[item + COUNT]++;
        members[ofUser] = rows[item + PLACE];
        members[ofUser + 1] = y;
        members[ofItem] = rows[user + PLACE];
        members[ofItem + 1] = y;
      }
      for (let i = 0; i < nUsers; i++) rows[users[i] + COUNT] = 0;
      for (let i = 0; i < nItems; i++) rows[items[i] + COUNT] = 0;
    }
    for (let row = 0, at = 0; row < nRows; row++, at += ROW_WORDS) {
      entries[row] = 2 * rows[at + NEXT] + (rows[at + PLACE] & 1);
    }
    return {
      nSteps,
      start: start.map((place) => place - start[0]),
      touches: touches.subarray(RowTouch.size * touch),
      firstTouch: firstTouch.map((each) => each - touch),
      nUserTouches,
      members: members.subarray(0, 2 * Member.size * (start[nSteps] - start[0])),
      entries,
    };
  }

  /** Writes touches of one side of a step, and leaves in each row's count where its first member goes. */
  #touch(touches: Uint32Array, list: Uint32Array, first: number, end: number, step: number, touch: number, member: number): void {
    const rows = this.#rows;
    const sorted = this.sizes.isSorted ? this.#sort(list, first, end) : list;
    for (let i = first, at = RowTouch.size * touch; i < end; i++, at += RowTouch.size) {
      const row = sorted[i];
      const place = (rows[row + PLACE] ^= 1);
      const count = rows[row + COUNT];
      touches[at] = place;
      touches[at + 1] = rows[row + COUNT] = member;
      touches[at + 2] = member += count;
      touches[at + 3] = rows[row + NEXT];
      rows[row + NEXT] = step;
    }
  }

  /** A counting sort of list[first] to list[end - 1] by falling number of members. */
  #sort(list: Uint32Array, first: number, end: number): Uint32Array {
    const rows = this.#rows;
    const bins = this.#bins.fill(0);
    const binOf = this.#binOf;
    for (let i = first; i < end; i++) bins[(binOf[i] = MOST_BINS - Math.min(MOST_BINS, rows[list[i] + COUNT]))]++;
    for (let bin = 0, sum = first; bin <= MOST_BINS; bin++) {
      const count = bins[bin];
      bins[bin] = sum;
      sum += count;
    }
    for (let i = first; i < end; i++) this.#sorted[bins[binOf[i]]++] = list[i];
    return this.#sorted;
  }
}

/** Slots of `chunks` for one side of a step. */
export const slotsPerSide = (batchSize: number) => 2 * Math.ceil(batchSize / CHUNK);

/**
 * The touches whose chunks are summed apart, [nSteps, 2, slots], `NO_CHUNK` where there is none: chunk c of a long row is in slot
 * 2 (floor(place / 256) + c) + (1 if c = 0), with the place of the row's first member on its side of the step.
 */
export function chunksOf({ nSteps, start, touches, firstTouch }: HostWindow, batchSize: number): Uint32Array<ArrayBuffer> {
  const perSide = slotsPerSide(batchSize);
  const chunks = new Uint32Array(2 * perSide * nSteps).fill(NO_CHUNK);
  for (let step = 0; step < nSteps; step++) {
    const member = 2 * start[step];
    const half = start[step + 1] - start[step];
    for (let touch = firstTouch[step]; touch < firstTouch[step + 1]; touch++) {
      const begin = touches[RowTouch.size * touch + RowTouch.at.begin];
      const count = touches[RowTouch.size * touch + RowTouch.at.end] - begin;
      if (count <= CHUNK) continue;
      const side = begin < member + half ? 0 : 1;
      const block = Math.floor((begin - member - side * half) / CHUNK);
      for (let c = 0; c * CHUNK < count; c++) chunks[(2 * step + side) * perSide + 2 * (block + c) + (c === 0 ? 1 : 0)] = touch;
    }
  }
  return chunks;
}
