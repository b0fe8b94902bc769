/**
 * An order of the ratings in which parts of a model can train side by side. Users and items are dealt to S blocks each; an epoch has R
 * passes of S rounds. Round (r, k) takes the blocks (u, (u + k) mod S), u = 0..S-1, which share neither a user nor an item, so that
 * each user block, with the item block that it meets, could be on a device of its own: within a round no step of one needs another's.
 * Batches are drawn from all blocks of a round, as the plain order draws them from all ratings: stratified as in Gemulla et al. 2011
 * (DSGD), but each step is one of the whole model. Where every rating goes is a function of seed, epoch and place alone.
 */
import { countBy, groupBy } from '../base/group-by.js';
import { type Deal, dealItems, dealUsers } from './deal.js';
import type { Ratings } from './ratings.js';
import { Rounds, type StrataOptions } from './rounds.js';
import type { DataShare } from './share.js';

/** Ratings of an epoch that may be left out at the ends of rounds, as a share. */
const MOST_LEFT_OUT = 0.05;

/** Users, items and training ratings in blocks, and the rounds of every epoch. */
export class Strata {
  private constructor(
    readonly users: Deal,
    readonly items: Deal,
    /** Training rows by user block, then item block, then in the order of the data; undefined where not all ratings are here. */
    readonly rows: Uint32Array | undefined,
    readonly rounds: Rounds,
    /** Where the first rating that is here stands in that order. */
    private readonly begin = 0,
  ) {}

  /** @throws RangeError where more than 5 % of the ratings would be left out at the ends of rounds, or a round has no full batch */
  static of(train: Ratings, nUsers: number, nItems: number, batchSize: number, options: StrataOptions): Strata {
    const { strata: S } = options;
    const users = dealUsers(countBy(train.users, nUsers), S);
    const items = dealItems(countBy(train.items, nItems), S);
    const block = Uint32Array.from(train.users, (user, row) => users.block[user] * S + items.block[train.items[row]]);
    const { start, order } = groupBy(block, S * S);
    const rounds = new Rounds({ ...options, batchSize, start, first: 0, n: S });
    refuseSmallRounds(rounds);
    return new Strata(users, items, order, rounds);
  }

  /** The same of ratings of which only some are here, in the order of `rows`. @throws RangeError as `of` */
  static ofShare({ whole: { users, items, start }, strata, first }: DataShare, batchSize: number, options: StrataOptions): Strata {
    const rounds = new Rounds({ ...options, batchSize, start, first: 0, n: strata });
    refuseSmallRounds(rounds);
    return new Strata(users, items, undefined, rounds, start[first * strata]);
  }

  /** The training ratings of the user blocks first to first + n - 1, in the order that their `Rounds` count them in. */
  ratings({ users, items, ratings }: Ratings, first: number, n: number): Ratings {
    const { start, strata } = this.rounds.plan;
    const [begin, end] = [start[first * strata], start[(first + n) * strata]];
    const rows = this.rows?.subarray(begin, end);
    if (rows === undefined) {
      const some = <T extends Uint32Array | Float32Array>(column: T) => column.subarray(begin - this.begin, end - this.begin) as T;
      return { users: some(users), items: some(items), ratings: some(ratings) };
    }
    return {
      users: Uint32Array.from(rows, (row) => users[row]),
      items: Uint32Array.from(rows, (row) => items[row]),
      ratings: Float32Array.from(rows, (row) => ratings[row]),
    };
  }
}

function refuseSmallRounds({ steps, plan: { start, strata, passes, batchSize } }: Rounds): void {
  const n = start[strata * strata];
  const nTaken = batchSize * steps.reduce((sum, nSteps) => sum + nSteps, 0);
  if (nTaken >= (1 - MOST_LEFT_OUT) * n && !steps.includes(0)) return;
  const percent = (100 * (1 - nTaken / n)).toFixed(0);
  throw new RangeError(
    `With ${strata} strata and ${passes} ${passes === 1 ? 'pass' : 'passes'} a round has some ${Math.floor(n / (strata * passes))} ` +
      `ratings, and batches of ${batchSize} would leave ${percent} % of all out: give a smaller batchSize, strata or passes.`,
  );
}
