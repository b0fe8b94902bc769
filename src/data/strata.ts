/**
 * An order of the ratings in which parts of a model can train side by side. Users and items are dealt to S blocks each; an epoch has R
 * passes of S rounds. Round (r, k) takes the blocks (u, (u + k) mod S), u = 0..S-1, which share neither a user nor an item, so that
 * each user block, with the item block that it meets, could be on a device of its own: within a round no step of one needs another's.
 * Batches are drawn from all blocks of a round, as the plain order draws them from all ratings: stratified as in Gemulla et al. 2011
 * (DSGD), but each step is one of the whole model. Where every rating goes is a function of seed, epoch and place alone.
 */
import { checkWhole } from '../base/check.js';
import { countBy, groupBy } from '../base/group-by.js';
import { hash32, permute, STREAM, unpermute } from '../base/random.js';
import { type Deal, dealItems, dealUsers } from './deal.js';
import type { Ratings } from './ratings.js';

/** How an epoch is divided. */
export interface StrataOptions {
  /** Blocks of users, and of items: S. */
  readonly strata: number;
  /** Times that each user block meets each item block in an epoch: R. */
  readonly passes: number;
  /** Decides the order of each epoch. */
  readonly seed: number;
}

/** The ratings of a round, or of some user blocks of it, as steps take them. */
export interface RoundOrder {
  /** Ratings by their number in the list of these user blocks (`Strata.ratings`), step after step; in a step by user block. */
  readonly order: Uint32Array;
  /** The ratings of step s of the i-th of n user blocks begin at segments[s n + i], and end where the next begin. */
  readonly segments: Uint32Array;
}

/** The most strata: a round of more has few ratings for each. */
export const MOST_STRATA = 256;

/** Ratings of an epoch that may be left out at the ends of rounds, as a share. */
const MOST_LEFT_OUT = 0.05;

/** Counters of the permutations that divide blocks among passes begin here; those of rounds are below. */
const BLOCK_COUNTER = 0x10000;

/** Users, items and training ratings in blocks, and the rounds of every epoch. */
export class Strata {
  /** Training rows by user block, then item block, then in the order of the data: block (u, i) has those from start[u S + i] on. */
  readonly rows: Uint32Array;
  readonly start: Uint32Array;
  /** Steps of each round of an epoch, [R S]: the same in every epoch. */
  readonly steps: readonly number[];

  private constructor(
    readonly users: Deal,
    readonly items: Deal,
    blocks: { rows: Uint32Array; start: Uint32Array },
    readonly batchSize: number,
    readonly options: StrataOptions,
  ) {
    this.rows = blocks.rows;
    this.start = blocks.start;
    const { strata, passes } = options;
    this.steps = Array.from({ length: passes * strata }, (_, round) => Math.floor(this.#sizes(round).n / batchSize));
  }

  /** @throws RangeError where more than 5 % of the ratings would be left out at the ends of rounds, or a round has no full batch */
  static of(train: Ratings, nUsers: number, nItems: number, batchSize: number, options: StrataOptions): Strata {
    const { strata: S } = options;
    const users = dealUsers(countBy(train.users, nUsers), S);
    const items = dealItems(countBy(train.items, nItems), S);
    const block = Uint32Array.from(train.users, (user, row) => users.block[user] * S + items.block[train.items[row]]);
    const { start, order: rows } = groupBy(block, S * S);
    const strata = new Strata(users, items, { rows, start }, batchSize, options);
    strata.#refuseSmallRounds();
    return strata;
  }

  #refuseSmallRounds(): void {
    const { strata, passes } = this.options;
    const n = this.rows.length;
    const nTaken = this.batchSize * this.steps.reduce((sum, steps) => sum + steps, 0);
    if (nTaken >= (1 - MOST_LEFT_OUT) * n && !this.steps.includes(0)) return;
    const percent = (100 * (1 - nTaken / n)).toFixed(0);
    throw new RangeError(
      `With ${strata} strata and ${passes} ${passes === 1 ? 'pass' : 'passes'} a round has some ${Math.floor(n / (strata * passes))} ` +
        `ratings, and batches of ${this.batchSize} would leave ${percent} % of all out: give a smaller batchSize, strata or passes.`,
    );
  }

  /** The training ratings of the user blocks first to first + n - 1, in the order that `round` counts them in. */
  ratings({ users, items, ratings }: Ratings, first = 0, n = this.options.strata): Ratings {
    const { strata } = this.options;
    const rows = this.rows.subarray(this.start[first * strata], this.start[(first + n) * strata]);
    return {
      users: Uint32Array.from(rows, (row) => users[row]),
      items: Uint32Array.from(rows, (row) => items[row]),
      ratings: Float32Array.from(rows, (row) => ratings[row]),
    };
  }

  /**
   * A round of an epoch, as far as it is of the user blocks first to first + n - 1. Rating j of the round (its blocks by user block,
   * each in the order of the data) has the place unpermute(j) among the ratings of the round, and place p is of step floor(p / B); those
   * of the last, incomplete step are left out. With several passes a block's ratings are divided among them anew in each epoch.
   */
  round(epoch: number, round: number, first = 0, n = this.options.strata): RoundOrder {
    const { strata: S, passes: R, seed } = this.options;
    const { batchSize, start } = this;
    const pass = Math.floor(round / S);
    const { blocks, firsts, n: nRatings } = this.#sizes(round);
    const nSteps = this.steps[round];
    const key = hash32(seed, STREAM.ORDER, epoch, round);
    const nMine = firsts[first + n] - firsts[first];
    const numbers = new Uint32Array(nMine);
    const segmentOf = new Uint32Array(nMine);
    let nTaken = 0;
    for (let u = first; u < first + n; u++) {
      const block = blocks[u];
      const size = start[block + 1] - start[block];
      const number = start[block] - start[first * S];
      const [begin, end] = [partOf(size, pass, R), partOf(size, pass + 1, R)];
      const blockKey = hash32(seed, STREAM.ORDER, epoch, BLOCK_COUNTER + block);
      for (let k = 0, j = firsts[u]; k < size; k++) {
        if (R > 1) {
          const place = permute(size, blockKey, k);
          if (place < begin || place >= end) continue;
        }
        const step = Math.floor(unpermute(nRatings, key, j++) / batchSize);
        if (step >= nSteps) continue;
        numbers[nTaken] = number + k;
        segmentOf[nTaken++] = step * n + u - first;
      }
    }
    // Stable, so that a segment keeps the order of the data.
    const { start: segments, order } = groupBy(segmentOf.subarray(0, nTaken), nSteps * n);
    return { order: order.map((k) => numbers[k]), segments };
  }

  /** Of each user block of a round: the block of ratings, and the number of its first rating in the round's list; and of all. */
  #sizes(round: number): { blocks: Uint32Array; firsts: Uint32Array; n: number } {
    const { strata: S, passes: R } = this.options;
    const [pass, k] = [Math.floor(round / S), round % S];
    const blocks = Uint32Array.from({ length: S }, (_, u) => u * S + ((u + k) % S));
    const firsts = new Uint32Array(S + 1);
    blocks.forEach((block, u) => {
      const size = this.start[block + 1] - this.start[block];
      firsts[u + 1] = firsts[u] + partOf(size, pass + 1, R) - partOf(size, pass, R);
    });
    return { blocks, firsts, n: firsts[S] };
  }
}

/** Where part `part` of `nParts` of a block begins. */
const partOf = (size: number, part: number, nParts: number) => Math.floor((size * part) / nParts);

/** @throws RangeError for a number of strata or passes that is out of range */
export function checkStrata(strata: number, passes: number): void {
  checkWhole('strata', strata, 1, MOST_STRATA);
  checkWhole('passes', passes, 1, MOST_STRATA);
}
