import { DotbiasError } from '../base/errors.js';
import type { Deal } from './deal.js';

/** What is known of ratings as a whole. */
export interface WholeRatings {
  /** How users and items are dealt to blocks, equally many of both. */
  readonly users: Deal;
  readonly items: Deal;
  /** Training ratings by user block, then item block: block (u, i) has those from start[u S + i] to start[u S + i + 1] - 1. [S S + 1] */
  readonly start: Uint32Array;
  /** Training ratings of each row, users first, then items. */
  readonly perRow: Uint32Array;
  readonly nValid: number;
  /** The lowest and the highest rating of each part; undefined where there are none. */
  readonly ranges: { readonly train: readonly [number, number]; readonly valid?: readonly [number, number] | undefined };
  /** Validation ratings of users, and of items, that training does not know. */
  readonly unknown: { readonly users: number; readonly items: number };
}

/**
 * Which of all ratings a process has where it has those of some user blocks alone, such as a rank of a training on prepared ratings;
 * and what else of the whole it needs to train as if it had all.
 */
export class DataShare {
  /** @param first the first user block whose ratings are here @param n how many blocks, also of the ids of both sides */
  constructor(
    readonly whole: WholeRatings,
    readonly first: number,
    readonly n: number,
  ) {}

  /** Blocks of users, and of items. */
  get strata(): number {
    return this.whole.users.nBlocks;
  }

  get nTrain(): number {
    return this.whole.start[this.strata ** 2];
  }

  /** @throws RangeError unless a training in so many strata on this rank is one on these blocks */
  check(strata: number, { rank, size }: { readonly rank: number; readonly size: number }): void {
    if (strata !== this.strata) {
      throw new RangeError(`strata must be ${this.strata}, as these ratings were dealt to, and not ${strata}.`);
    }
    if (this.n === strata / size && this.first === rank * this.n) return;
    const blocks = `the user blocks ${this.first} to ${this.first + this.n - 1} of ${strata}`;
    throw new RangeError(`Rank ${rank} of ${size} cannot train on the ratings of ${blocks}: read those that are its own.`);
  }

  /** Notes about ratings outside the range of predictions, as far as they follow from the lowest and the highest. */
  rangeNotes(bounds: readonly [lo: number, hi: number] | null): string[] {
    const [lo, hi] = bounds ?? [-Infinity, Infinity];
    const { train, valid } = this.whole.ranges;
    return Object.entries({ training: train, validation: valid }).flatMap(([name, ends]) =>
      ends === undefined || (ends[0] >= lo && ends[1] <= hi)
        ? []
        : [
            `The ${name} ratings are ${ends.join(' to ')}, and the range of predictions is ${lo} to ${hi}, ` +
              'so that no prediction can reach all of them.',
          ],
    );
  }

  /** Refuses what all ratings are needed for. @param what the beginning of a sentence */
  refuse(what: string): never {
    throw new DotbiasError(`${what} needs all ratings, and here are those of ${this.n} of ${this.strata} blocks of users only.`);
  }
}
