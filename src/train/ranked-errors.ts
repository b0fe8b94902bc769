/** Validation on several ranks: each measures the ratings of its own users, and all add up what all have found. */
import { gatherNumbers, type Ring } from '../base/ring.js';
import type { Ratings } from '../data/ratings.js';
import type { PairGroup } from '../model/pairs.js';
import type { Deals } from '../model/parted-tables.js';
import type { ModelTables } from '../model/tables.js';

/** Errors of groups, and whether all numbers that were looked at are finite. */
export interface RankedErrors {
  isNumber: boolean;
  all: ArrayLike<number>[];
}

/**
 * The ratings whose users this rank has.
 * @throws RangeError where unknown users are measured by the mean user
 */
export function ratingsOf(
  { users, items, ratings }: Ratings,
  { users: deal }: Deals,
  { rank, size }: Ring,
  readsMeanUser: boolean,
): Ratings {
  if (readsMeanUser) {
    throw new RangeError(
      "Ranks cannot measure users whom training never saw by the mean user, for each has its own users only: give unknownUser: 'na'.",
    );
  }
  const perRank = deal.nBlocks / size;
  const isOwn = (_: number, k: number) => Math.floor(deal.block[users[k]] / perRank) === rank;
  return { users: users.filter(isOwn), items: items.filter(isOwn), ratings: ratings.filter(isOwn) };
}

/** Measures as in training: a rank's users meet one block of items after the other. In the end all blocks are home. */
export async function byRounds<G extends PairGroup>(
  tables: ModelTables,
  groups: readonly G[],
  measure: (groups: G[]) => void,
): Promise<void> {
  const { length } = tables.items.blocks;
  await tables.home();
  for (let k = 0; k < length; k++) {
    measure(groups.filter(({ user, item }) => item === (user + k) % length));
    await tables.moveItems();
  }
}

/** The errors of all ranks by user block and then item block, zeros where there are no ratings. Every rank calls it. */
export async function together(own: RankedErrors, groups: readonly PairGroup[], nBlocks: number, ring: Ring): Promise<RankedErrors> {
  const nErrors = 3;
  const perRank = nBlocks / ring.size;
  const mine = new Float64Array(1 + nErrors * perRank * nBlocks);
  mine[0] = Number(own.isNumber);
  groups.forEach(({ user, item }, k) => mine.set(own.all[k], 1 + nErrors * ((user - ring.rank * perRank) * nBlocks + item)));
  const ranks = await gatherNumbers(ring, mine);
  return {
    isNumber: ranks.every(([isNumber]) => isNumber === 1),
    all: ranks.flatMap((rank) =>
      Array.from({ length: perRank * nBlocks }, (_, k) => rank.subarray(1 + nErrors * k, 1 + nErrors * (k + 1))),
    ),
  };
}

/** Whether it holds on all ranks. Every rank calls it. */
export async function onAll(holds: boolean, ring: Ring): Promise<boolean> {
  return (await gatherNumbers(ring, Float64Array.of(Number(holds)))).every(([each]) => each === 1);
}
