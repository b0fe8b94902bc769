/** How good lists of recommendations are on one fold. */
import { itemsByUser } from '../answer/recommend.js';
import { topLists } from '../answer/top-lists.js';
import type { TrainedModel } from '../answer/trained-model.js';
import { checkOptions, checkWhole } from '../base/check.js';
import { groupBy } from '../base/group-by.js';
import type { CollabData } from '../data/collab-data.js';
import { meanPrediction } from './ensemble.js';
import { averagePrecisionAtK, catalogueCoverage, meanOverUsers, ndcgAtK, precisionAtK, recallAtK } from './ranking-metrics.js';

/** How lists of recommendations are judged. */
export interface RankingOptions {
  /** Length of the lists. Default 10. */
  k?: number | undefined;
  /** A test rating of at least this makes an item relevant. Default 4. */
  threshold?: number | undefined;
}

/** Means over the users with a list, and the share of the items known to training that are in some list. All in [0, 1]. */
export interface RankingScores {
  precision: number;
  recall: number;
  ndcg: number;
  map: number;
  coverage: number;
}

/** Judges the lists of a model, or those of the mean prediction of several. */
export type RankingJudge = (members: readonly TrainedModel[]) => Promise<RankingScores>;

/** @throws RangeError or TypeError for wrong options */
export function checkRanking(options: RankingOptions): void {
  checkOptions('ranking', options, ['k', 'threshold']);
  if (options.k !== undefined) checkWhole('ranking.k', options.k);
}

/**
 * Prepares to judge lists of recommendations on a fold. Each user whom training knows and who has a relevant test item gets a
 * list: the k items predicted highest among all that training knows and that the user did not rate in training. Test
 * ratings are never left out of the candidates. Relevant items that training does not know count as missed.
 *
 * @throws RangeError if no user has a relevant test item
 */
export function rankingJudge(data: CollabData, { k = 10, threshold = 4 }: RankingOptions): RankingJudge {
  const rated = itemsByUser([data.train], data.nUsers);
  const relevant = relevantItems(data, rated, threshold);
  const users = Uint32Array.from(relevant.keys());
  if (users.length === 0) {
    const lacking = `No test rating by a user whom training knows is ${threshold} or more`;
    throw new RangeError(`${lacking}, so rankings cannot be judged; lower the threshold.`);
  }
  return async (members) => {
    const n = Math.min(k, data.nItems - 1);
    const lists = members.length === 1 ? await rankOnGpu(members[0], users, rated, n) : await rankByMean(members, users, rated, n);
    const rankings = lists.map((ranked, i) => ({ ranked, relevant: relevant.get(users[i])! }));
    return {
      precision: meanOverUsers(precisionAtK, rankings, k),
      recall: meanOverUsers(recallAtK, rankings, k),
      ndcg: meanOverUsers(ndcgAtK, rankings, k),
      map: meanOverUsers(averagePrecisionAtK, rankings, k),
      coverage: catalogueCoverage(lists, data.nItems - 1, k),
    };
  };
}

/** The item rows that the user of a row rated in training. */
type RatedItems = ReturnType<typeof itemsByUser>;

/** The k best of the items that each user has not rated, best first; items with equal scores are in the order of their rows. */
export async function rankOnGpu(model: TrainedModel, users: Uint32Array, rated: RatedItems, k: number): Promise<Uint32Array[]> {
  const { items } = await topLists(model, k, { users: model.embeddings.users, rows: users, excluded: rated });
  return Array.from(users, (_, i) => {
    const list = items.subarray(i * k, (i + 1) * k);
    const end = list.indexOf(0); // where a list ends early
    return end === -1 ? list : list.subarray(0, end);
  });
}

/** Pairs of user and item that are predicted at once. */
const PAIRS_PER_BLOCK = 2 ** 20;

/** As `rankOnGpu`, by the mean prediction: on the host, in blocks of users of which all items are predicted. */
export async function rankByMean(
  members: readonly TrainedModel[],
  users: Uint32Array,
  rated: RatedItems,
  k: number,
): Promise<Uint32Array[]> {
  const { nItems } = members[0].embeddings.shape;
  const usersPerBlock = Math.min(users.length, Math.max(1, Math.floor(PAIRS_PER_BLOCK / nItems)));
  const userRows = new Uint32Array(usersPerBlock * nItems);
  const itemRows = userRows.map((_, pair) => pair % nItems);
  const lists: Uint32Array[] = [];
  for (let first = 0; first < users.length; first += usersPerBlock) {
    const block = users.subarray(first, first + usersPerBlock);
    const nPairs = block.length * nItems;
    block.forEach((user, i) => userRows.fill(user, i * nItems, (i + 1) * nItems));
    const scores = await meanPrediction(members, userRows.subarray(0, nPairs), itemRows.subarray(0, nPairs));
    block.forEach((user, i) => {
      const own = scores.subarray(i * nItems, (i + 1) * nItems);
      own[0] = -Infinity; // #na#
      for (const item of rated(user)) own[item] = -Infinity;
      lists.push(topK(own, k));
    });
  }
  return lists;
}

/** Indices of the k largest scores above -Infinity, largest first; of equal ones the lower index first. */
function topK(scores: Float64Array, k: number): Uint32Array {
  const top: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] === -Infinity || (top.length === k && !(scores[i] > scores[top[k - 1]]))) continue;
    let at = Math.min(top.length, k - 1);
    for (; at > 0 && scores[i] > scores[top[at - 1]]; at--) top[at] = top[at - 1];
    top[at] = i;
  }
  return Uint32Array.from(top);
}

/**
 * The relevant test items of each user whom training knows, users in ascending order. An item that training does not know
 * stands as a number of its own beyond the table. One that the user rated in training too is no candidate and so left out.
 */
function relevantItems({ valid, nUsers, nItems }: CollabData, rated: RatedItems, threshold: number): Map<number, Set<number>> {
  const { start, order } = groupBy(valid.users, nUsers);
  const relevant = new Map<number, Set<number>>();
  for (let user = 1; user < nUsers; user++) {
    const rows = order.subarray(start[user], start[user + 1]).filter((row) => valid.ratings[row] >= threshold);
    if (rows.length === 0) continue;
    const known = new Set(rated(user));
    const items = Array.from(rows, (row) => valid.items[row] || nItems + row).filter((item) => !known.has(item));
    if (items.length > 0) relevant.set(user, new Set(items));
  }
  return relevant;
}
