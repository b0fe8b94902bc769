import { fillPermutation } from '../base/random.js';
import type { Ratings } from '../data/ratings.js';
import type { Rounds, RoundSteps } from '../data/rounds.js';
import { HostBatches, type HostBatchSizes, interleave, type HostWindow, type WindowRoom } from './host-batches.js';
import type { Batches } from './stepper.js';

/** Makes windows on the host, in a thread of their own or not: they are the same. */
export interface HostWindows {
  /** Where they are made, and why, for people: a sentence. */
  readonly note: string;
  /**
   * Tells of the batches that will be taken next, the first in front: makes the window of the first, or begins to make them all.
   * Resolves when the first is made. @throws as `take`
   */
  prepare(coming: readonly Batches[]): void | Promise<void>;
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

/** What to make a window from: rows, and the steps, of which s takes the rows [start[s], start[s + 1]); or the steps of a round. */
export type WindowPlan = { rows: WindowRows; start: Uint32Array; segments?: Uint32Array | undefined } | RoundSteps;

/** The plan of some batches: the order of the whole epoch is made only where neither a key nor a round says it. */
export function planOf(batches: Batches): WindowPlan {
  if (batches.round) return batches.round;
  const { key, start, segments } = batches;
  const first = start[0];
  const rows = key === undefined ? batches.order.slice(first, start.at(-1)) : { key, first };
  return { rows, start: start.map((place) => place - first), segments: segments?.map((place) => place - first) };
}

/** Makes the window of a plan. @param rounds of training in strata */
export function buildPlan(batches: HostBatches, plan: WindowPlan, rounds?: Rounds | undefined, room?: WindowRoom | undefined): HostWindow {
  if ('round' in plan) {
    const { order, start, segments } = rounds!.stepsOf(plan);
    return batches.build(order, start, segments, room);
  }
  const { rows, start, segments } = plan;
  if (rows instanceof Uint32Array) return batches.build(rows, start, segments, room);
  const drawn = new Uint32Array(start.at(-1)!);
  fillPermutation(drawn, rows.key, batches.ratings.length / 3, rows.first);
  return batches.build(drawn, start, segments, room);
}

/** Windows made on the main thread, one ahead, all in the same arrays. */
export class OwnWindows implements HostWindows {
  readonly #batches: HostBatches;
  readonly #room: WindowRoom;
  /** The window that the arrays hold, until it is taken. */
  #made: { batches: Batches; window: HostWindow } | undefined;

  constructor(
    train: Ratings,
    sizes: HostBatchSizes,
    private readonly rounds: Rounds | undefined,
    readonly note: string,
  ) {
    this.#batches = new HostBatches(interleave(train, sizes.nUsers), sizes);
    this.#room = this.#batches.room();
  }

  prepare([next]: readonly Batches[]): void {
    if (next !== undefined) this.#made = { batches: next, window: this.#make(next) };
  }

  take(batches: Batches): HostWindow {
    const made = this.#made;
    this.drop();
    return made?.batches === batches ? made.window : this.#make(batches);
  }

  #make(batches: Batches): HostWindow {
    return buildPlan(this.#batches, planOf(batches), this.rounds, this.#room);
  }

  recycle(): void {}
  drop(): void {
    this.#made = undefined;
  }
  release(): void {}
}
