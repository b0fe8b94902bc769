import { checkOptions, checkWhole, show } from '../base/check.js';
import { groupBy } from '../base/group-by.js';
import type { Id, IdMap } from '../data/ids.js';
import { checkUnknown, rowOf, rowsOf, type UnknownIds } from '../model/rows.js';
import { type TopLists, topLists, type TopListsBounds, type TopListsInput } from './top-lists.js';
import { type ModelInfo, namedItem, type Pairs, type TrainedModel, unknownUserOf } from './trained-model.js';
import { usersFor } from './unknown-user.js';

/**
 * Items to leave out: `'rated'`, those that the user rated, in training or held out for validation; `'none'`; or these ids, for
 * every user asked for (ids that training never saw are never recommended anyway).
 */
export type Exclude = 'rated' | 'none' | Iterable<Id>;

/** What `recommend` may leave out, and what it does with a stranger. */
export interface RecommendOptions {
  /** Default `'rated'`. A model that does not know what was rated (one saved without) must be told. */
  exclude?: Exclude | undefined;
  /**
   * A user whom training never saw: `'mean'` gives what the mean of the trained users would like, `'na'` reads fastai's `#na#`
   * row, whose vector and bias are near zero, so that the ranking is by item bias; `'error'` refuses. `foldIn` is the better
   * answer where there are ratings. Default: the model's `unknownUser`, 'mean' where it has none.
   */
  unknown?: UnknownIds | undefined;
}

/** As `RecommendOptions`, for whom, and within which bounds. */
export interface RecommendAllOptions extends RecommendOptions, TopListsBounds {
  /** Users to recommend to. Default: all that training saw. */
  users?: ArrayLike<Id> | undefined;
}

/** One place in a list. */
export interface Recommendation {
  item: Id;
  title?: string | undefined;
  /** Predicted rating. */
  prediction: number;
}

/** Top lists of users of the model. */
export interface Recommendations extends TopLists {
  /** Rows of the user table that were asked for. */
  readonly users: Uint32Array<ArrayBuffer>;
}

/**
 * The n items with the highest predicted rating for one user, best first; equal scores by table row. Fewer if fewer
 * remain. `#na#` is never recommended.
 *
 * @throws RangeError if n is not a whole number of at least 1, or for an unknown user with `unknown: 'error'`;
 *   TypeError if the model does not know what was rated and `exclude` is not given; DotbiasError for a score that is not finite
 */
export async function recommend(model: TrainedModel, user: Id, n = 10, options: RecommendOptions = {}): Promise<Recommendation[]> {
  checkOptions('recommend', options, ['exclude', 'unknown']);
  const { exclude = 'rated', unknown = unknownUserOf(model) } = options;
  checkWhole('n', n);
  checkUnknown(unknown);
  const rows = [rowOf(model.info.users, user, 'user', unknown)];
  return named(model, await listsOf(model, n, unknown, { rows, excluded: excludedRows(model, exclude) }));
}

/**
 * As `recommend`, for many users, by table rows; see `topLists`.
 *
 * @throws MemoryBudgetError if the budget does not hold one user's list; otherwise as `recommend`
 */
export async function recommendAll(model: TrainedModel, n = 10, options: RecommendAllOptions = {}): Promise<Recommendations> {
  checkWhole('n', n);
  checkOptions('recommendAll', options, ['exclude', 'unknown', 'users', 'memoryBudget', 'onProgress', 'signal']);
  const { exclude = 'rated', unknown = unknownUserOf(model) } = options;
  const users = options.users ? rowsOf(model.info.users, options.users, 'user', unknown) : allRows(model.info.users.size);
  return { users, ...(await listsOf(model, n, unknown, { ...options, rows: users, excluded: excludedRows(model, exclude) })) };
}

/** The lists of users of the model. (With `unknown: 'error'` none of them has row 0.) */
function listsOf(model: TrainedModel, n: number, unknown: UnknownIds, input: Omit<TopListsInput, 'users'>): Promise<TopLists> {
  return model.embeddings.gpu.withScope(async (scope) => {
    const users = await usersFor(model.embeddings, scope, unknown === 'error' ? 'na' : unknown, input.rows);
    return topLists(model, n, { ...input, users });
  });
}

/** The first list of `lists` with ids and titles. */
export function named(model: TrainedModel, { items, predictions }: Pick<TopLists, 'items' | 'predictions'>): Recommendation[] {
  return Array.from(items)
    .filter((row) => row !== 0)
    .map((row, place) => ({ ...namedItem(model, row), prediction: predictions[place] }));
}

function allRows(size: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: size - 1 }, (_, k) => k + 1);
}

/** What `exclude` leaves out for each row of user vectors, ascending. @param rated what 'rated' stands for */
export function excludedRows({ info }: TrainedModel, exclude: Exclude, rated = () => ratedByUsers(info)): ItemsOf {
  if (exclude === 'rated') return rated();
  const list = exclude === 'none' ? new Uint32Array(0) : itemRows(info.items, exclude);
  return () => list;
}

/** What each user rated, in training or held out for validation. */
function ratedByUsers(info: ModelInfo): ItemsOf {
  const { train, valid, users } = info;
  if (train === undefined) {
    throw new TypeError("This model does not know what its users rated: pass exclude: 'none', or the ids of the items to leave out.");
  }
  return once(info, () => itemsByUser(valid === undefined ? [train] : [train, valid], users.size));
}

/** Item rows of ids, ascending. */
function itemRows(map: IdMap, ids: Iterable<Id>): Uint32Array {
  if (typeof ids === 'string' || typeof ids?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`exclude must be 'rated', 'none' or the ids of items, not ${show(ids)}.`);
  }
  return Uint32Array.from(ids, (id) => map.indexOf(id)).sort();
}

type ItemsOf = (user: number) => Uint32Array;
const known = new WeakMap<object, ItemsOf>();

/** Lists that are kept as long as what they were made from, which never changes. */
function once(from: object, make: () => ItemsOf): ItemsOf {
  let itemsOf = known.get(from);
  if (itemsOf === undefined) known.set(from, (itemsOf = make()));
  return itemsOf;
}

/** The item rows of each user's pairs, ascending. */
export function itemsByUser(parts: readonly Pairs[], nUsers: number): ItemsOf {
  const all = { users: joined(parts.map(({ users }) => users)), items: joined(parts.map(({ items }) => items)) };
  const { start, order } = groupBy(all.users, nUsers);
  const items = order.map((k) => all.items[k]);
  for (let user = 0; user < nUsers; user++) items.subarray(start[user], start[user + 1]).sort();
  return (user) => items.subarray(start[user], start[user + 1]);
}

function joined(arrays: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const array of arrays) {
    all.set(array, end);
    end += array.length;
  }
  return all;
}
