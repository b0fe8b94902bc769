import { BlockIds } from '../../src/data/block-ids.js';
import { CollabData } from '../../src/data/collab-data.js';
import type { Deal } from '../../src/data/deal.js';
import type { IdMap } from '../../src/data/ids.js';
import { extremes } from '../../src/data/rating-range.js';
import { ratingsPerRow } from '../../src/data/ratings-per-row.js';
import { DataShare } from '../../src/data/share.js';
import { Strata } from '../../src/data/strata.js';

/** The share of a rank, made from all ratings. */
export function shareOf(data: CollabData, strata: number, first: number, n: number): CollabData {
  const { train, valid, nUsers, nItems, batchSize, seed, titles, duplicates } = data;
  const all = Strata.of(train, nUsers, nItems, batchSize, { strata, passes: 1, seed });
  const isOwn = (_: number, k: number) => Math.floor((all.users.block[valid.users[k]] - first) / n) === 0;
  const own = { users: valid.users.filter(isOwn), items: valid.items.filter(isOwn), ratings: valid.ratings.filter(isOwn) };
  const idsOf = (map: IdMap, deal: Deal) => {
    const blocks = Array.from({ length: n }, (_, b) =>
      Array.from(deal.rows.subarray(deal.start[first + b], deal.start[first + b + 1]), (row) => map.idOf(row)),
    );
    return new BlockIds(map.isText ? 'text' : 'number', deal, first, blocks);
  };
  const zeros = (rows: Uint32Array) => rows.filter((row) => row === 0).length;
  const whole = {
    users: all.users,
    items: all.items,
    start: all.rounds.plan.start,
    perRow: ratingsPerRow(train, nUsers, nUsers + nItems),
    nValid: data.nValid,
    ranges: { train: extremes(train.ratings), valid: extremes(valid.ratings) },
    unknown: { users: zeros(valid.users), items: zeros(valid.items) },
  };
  const ready = {
    users: idsOf(data.users, all.users),
    items: idsOf(data.items, all.items),
    train: all.ratings(train, first, n),
    valid: own,
    duplicates: { ...duplicates, choice: 'keep' as const },
    share: new DataShare(whole, first, n),
  };
  return CollabData.fromEncoded(ready, { seed, batchSize, titles });
}
