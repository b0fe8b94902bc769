import { fillPermutation } from '../base/random.js';
import type { Ratings } from '../data/ratings.js';
import { HostBatches, type HostBatchSizes, interleave, type HostWindow, type WindowRoom } from './host-batches.js';
import type { Batches } from './stepper.js';

/** Makes windows on the host, in a thread of their own or not: they are the same. */
export interface HostWindows {
  /** Where they are made, and why, for people: a sentence. */
  readonly note: string;
  /** Begins to make the window of batches that will be taken, in the order of these calls, where that can be done aside. */
  prepare(batches: Batches): void;
  /** The window of some batches. What was prepared before them and not taken is dropped. @throws DotbiasError if the thread has ended */
  take(batches: Batches): HostWindow | Promise<HostWindow>;
  /** Takes back the arrays of a window that is no longer read. */
  recycle(window: HostWindow): void;
  /** Drops what was prepared. */
  drop(): void;
  release(): void;
}

/** The training rows of a window's places; or the key of the permutation that the order is, and the first place. */
export type WindowRows = Uint32Array<ArrayBuffer> | { key: number; first: number };

/** What to make a window from: rows, and the steps, of which s takes the rows [start[s], start[s + 1]). */
export interface WindowPlan {
  rows: WindowRows;
  start: Uint32Array;
}

/** The plan of some batches: the order of the whole epoch is made only where no key says it. */
export function planOf(batches: Batches): WindowPlan {
  const { key, start } = batches;
  const first = start[0];
  const rows = key === undefined ? batches.order.slice(first, start.at(-1)) : { key, first };
  return { rows, start: start.map((place) => place - first) };
}

/** Makes the window of a plan. */
export function buildPlan(batches: HostBatches, { rows, start }: WindowPlan, room?: WindowRoom | undefined): HostWindow {
  if (rows instanceof Uint32Array) return batches.build(rows, start, room);
  const drawn = new Uint32Array(start.at(-1)!);
  fillPermutation(drawn, rows.key, batches.ratings.length / 3, rows.first);
  return batches.build(drawn, start, room);
}

/** Windows made when they are taken, all in the same arrays. */
export class OwnWindows implements HostWindows {
  readonly #batches: HostBatches;
  readonly #room: WindowRoom;

  constructor(
    train: Ratings,
    sizes: HostBatchSizes,
    readonly note: string,
  ) {
    this.#batches = new HostBatches(interleave(train, sizes.nUsers), sizes);
    this.#room = this.#batches.room();
  }

  take(batches: Batches): HostWindow {
    return buildPlan(this.#batches, planOf(batches), this.#room);
  }

  prepare(): void {}
  recycle(): void {}
  drop(): void {}
  release(): void {}
}
