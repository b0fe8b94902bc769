/** Pairs of a user and an item in groups, each of which one binding reads: its users are in one block, and its items in another. */
import { Rating } from '../../shaders/ops/structs.js';
import { groupBy } from '../base/group-by.js';
import type { RatingRows } from '../data/pack-ratings.js';
import { StructArray } from '../gpu/struct.js';
import type { Deals } from './parted-tables.js';
import { bufferRow, type PlacedRows } from './table-side.js';

/** The pairs [begin, end), all of users in one block and of items in one block. */
export interface PairGroup {
  readonly user: number;
  readonly item: number;
  readonly begin: number;
  readonly end: number;
}

/** Pairs as kernels read them, group by group. */
export interface GroupedPairs {
  readonly packed: StructArray<(typeof Rating)['fields']>;
  /** The pair packed at k is pair order[k] of those given. */
  readonly order: Uint32Array;
  readonly groups: readonly PairGroup[];
}

/**
 * Groups the pairs `first` to `first + n - 1` by blocks: of users first, then of items; within a group they keep their order. With
 * `strata` the groups are those of the strata's blocks, whether the tables have the same blocks or are whole.
 */
export function groupPairs(
  users: PlacedRows,
  items: PlacedRows,
  pairs: RatingRows,
  first = 0,
  n = pairs.users.length,
  strata?: Deals,
): GroupedPairs {
  // The blocks of a model in parts are those of its strata already.
  const further = items.blocks.length === 1 ? strata : undefined;
  const [nUserStrata, nItemStrata] = [further?.users.nBlocks ?? 1, further?.items.nBlocks ?? 1];
  const [nUserKeys, nItemKeys] = [users.blocks.length * nUserStrata, items.blocks.length * nItemStrata];
  const keys = Uint32Array.from({ length: n }, (_, k) => {
    const [user, item] = [pairs.users[first + k], pairs.items[first + k]];
    const userKey = users.blockOf(user) * nUserStrata + (further?.users.block[user] ?? 0);
    const itemKey = items.blockOf(item) * nItemStrata + (further?.items.block[item] ?? 0);
    return userKey * nItemKeys + itemKey;
  });
  const { start, order } = groupBy(keys, nUserKeys * nItemKeys);
  const packed = new StructArray(Rating, n);
  const { words, floats } = packed;
  order.forEach((k, at) => {
    words[at * Rating.size + Rating.at.user] = bufferRow(users, pairs.users[first + k]);
    words[at * Rating.size + Rating.at.item] = bufferRow(items, pairs.items[first + k]);
    if (pairs.ratings !== undefined) floats[at * Rating.size + Rating.at.y] = pairs.ratings[first + k];
  });
  const groups: PairGroup[] = [];
  for (let key = 0; key + 1 < start.length; key++) {
    const [begin, end] = [start[key], start[key + 1]];
    if (begin === end) continue;
    const k = first + order[begin];
    groups.push({ user: users.blockOf(pairs.users[k]), item: items.blockOf(pairs.items[k]), begin, end });
  }
  return { packed, order, groups };
}

/** What reads two buffers, made once for any two when it is first asked for. */
export function forBuffers<T>(make: (users: GPUBuffer, items: GPUBuffer) => T): (users: GPUBuffer, items: GPUBuffer) => T {
  const made = new Map<GPUBuffer, Map<GPUBuffer, T>>();
  return (users, items) => {
    const ofUsers = made.get(users) ?? new Map<GPUBuffer, T>();
    made.set(users, ofUsers);
    const found = ofUsers.get(items) ?? make(users, items);
    ofUsers.set(items, found);
    return found;
  };
}
