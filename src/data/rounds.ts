import { groupBy } from '../base/group-by.js';
import { hash32, permute, STREAM, unpermute } from '../base/random.js';

/** How an epoch is divided. */
export interface StrataOptions {
  /** Blocks of users, and of items: S. */
  readonly strata: number;
  /** Times that each user block meets each item block in an epoch: R. */
  readonly passes: number;
  /** Decides the order of each epoch. */
  readonly seed: number;
}

/** All that the rounds of every epoch follow from, as plain data, which a thread can be sent. */
export interface RoundsPlan extends StrataOptions {
  readonly batchSize: number;
  /** Ratings by user block, then item block: block (u, i) has those from start[u S + i] to start[u S + i + 1] - 1. [S S + 1] */
  readonly start: Uint32Array;
  /** The user blocks that are asked for: first to first + n - 1. */
  readonly first: number;
  readonly n: number;
}

/** The ratings of a round, or of some of its user blocks, as steps take them. */
export interface RoundOrder {
  /** Ratings by their number among those of the user blocks asked for, step after step; in a step by user block. */
  readonly order: Uint32Array<ArrayBuffer>;
  /** The ratings of step s of the i-th of n user blocks begin at segments[s n + i], and end where the next begin. */
  readonly segments: Uint32Array;
}

/** The steps first to first + n - 1 of a round. */
export interface RoundSteps {
  readonly epoch: number;
  readonly round: number;
  readonly first: number;
  readonly n: number;
}

/** Counters of the permutations that divide blocks among passes begin here; those of rounds are below. */
const BLOCK_COUNTER = 0x10000;

/** The rounds of all epochs, see `Strata`: which ratings each step takes, as far as they are of some user blocks. */
export class Rounds {
  /** Steps of each round of an epoch, [R S]: the same in every epoch. */
  readonly steps: readonly number[];
  #latest: { epoch: number; round: number; made: RoundOrder } | undefined;

  constructor(readonly plan: RoundsPlan) {
    const { strata, passes, batchSize } = plan;
    this.steps = Array.from({ length: passes * strata }, (_, round) => Math.floor(this.#sizes(round).n / batchSize));
  }

  /** The same rounds of other user blocks. */
  of(first: number, n: number): Rounds {
    return new Rounds({ ...this.plan, first, n });
  }

  /**
   * A round of an epoch. Rating j of the round (its blocks by user block, each in the order of the data) has the place unpermute(j) among
   * all ratings of the round, and place p is of step floor(p / B); those of the last, incomplete step are left out. With several
   * passes a block's ratings are divided among them anew in each epoch. The latest round is kept.
   */
  round(epoch: number, round: number): RoundOrder {
    if (this.#latest?.epoch !== epoch || this.#latest.round !== round) this.#latest = { epoch, round, made: this.#make(epoch, round) };
    return this.#latest.made;
  }

  /** Some steps of a round, as `Batches` has them: step s takes order[start[s]] to order[start[s + 1] - 1]. */
  stepsOf({ epoch, round, first, n }: RoundSteps): RoundOrder & { start: Uint32Array } {
    const { order, segments } = this.round(epoch, round);
    const perStep = this.plan.n;
    const own = segments.slice(first * perStep, (first + n) * perStep + 1);
    return { order, segments: own, start: own.filter((_, i) => i % perStep === 0) };
  }

  #make(epoch: number, round: number): RoundOrder {
    const { strata: S, passes: R, seed, batchSize, start, first, n } = this.plan;
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
    return { order: Uint32Array.from(order, (k) => numbers[k]), segments };
  }

  /**
   * The most ratings that a step has of these user blocks. Its batch is drawn from all ratings of its round, so that their number is
   * hypergeometric: twelve standard deviations above the mean are never seen.
   */
  get mostRatings(): number {
    const { batchSize, first, n } = this.plan;
    const share = this.steps.reduce((most, _, round) => {
      const { firsts, n: nRatings } = this.#sizes(round);
      return Math.max(most, (firsts[first + n] - firsts[first]) / nRatings);
    }, 0);
    const mean = share * batchSize;
    return Math.min(batchSize, Math.ceil(mean + 12 * Math.sqrt(mean)));
  }

  /** Of each user block of a round: the block of ratings, and the number of its first rating in the round's list; and of all. */
  #sizes(round: number): { blocks: Uint32Array; firsts: Uint32Array; n: number } {
    const { strata: S, passes: R, start } = this.plan;
    const [pass, k] = [Math.floor(round / S), round % S];
    const blocks = Uint32Array.from({ length: S }, (_, u) => u * S + ((u + k) % S));
    const firsts = new Uint32Array(S + 1);
    blocks.forEach((block, u) => {
      const size = start[block + 1] - start[block];
      firsts[u + 1] = firsts[u] + partOf(size, pass + 1, R) - partOf(size, pass, R);
    });
    return { blocks, firsts, n: firsts[S] };
  }
}

/** Where part `part` of `nParts` of a block begins. */
const partOf = (size: number, part: number, nParts: number) => Math.floor((size * part) / nParts);
