import { sigmoidRange } from '../../shaders/ops/range.js';
import { ASKED_SIZE, topN, USERS_PER_THREAD } from '../../shaders/answer/top-n.wgsl.js';
import type { Id, Ratings } from '../data/collab-data.js';
import type { CollabModel } from './collab-model.js';
import { MemoryBudgetError } from '../base/errors.js';
import { rowOf, rowsOf, type UnknownIds } from '../model/rows.js';

/**
 * Items to leave out: `'rated'`, those that the user rated in training; `'none'`; or these ids, for every user asked
 * for (ids that training never saw are never recommended anyway).
 */
export type Exclude = 'rated' | 'none' | Iterable<Id>;

/** What `recommend` may leave out, and what it does with a stranger. */
export interface RecommendOptions {
  /** Default `'rated'`. A model that does not know its training ratings (one saved without them) must be told. */
  exclude?: Exclude;
  /**
   * A user whom training never saw: `'na'` (default) reads fastai's `#na#` row, whose vector and bias are near zero, so
   * that the ranking is by item bias, for want of any knowledge; `'error'` refuses. `foldIn` is the better answer.
   */
  unknown?: UnknownIds;
}

/** As `RecommendOptions`, for whom, and within which bounds. */
export interface RecommendAllOptions extends RecommendOptions {
  /** Users to recommend to. Default: all that training saw. */
  users?: ArrayLike<Id>;
  /** Bytes of GPU memory that may be in use, the model's own included. Default: the device's budget. */
  memoryBudget?: number;
  /** Called with the pairs of user and item scored so far, and of all. */
  onProgress?: (progress: { done: number; total: number }) => void;
  /** Aborts between two dispatches; the call then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** One place in a list. */
export interface Recommendation {
  item: Id;
  title?: string;
  /** Predicted rating. */
  prediction: number;
}

/** Lists of n places for each of many users, row-major; a list that ends early has item 0 (`#na#`) and prediction NaN from there. */
export interface TopLists {
  /** Places in each list. */
  readonly n: number;
  /** Rows of the item table, best first, [nUsers, n]. */
  readonly items: Uint32Array<ArrayBuffer>;
  /** Predicted ratings, [nUsers, n]. */
  readonly predictions: Float32Array<ArrayBuffer>;
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
 *   TypeError if the model does not know what was rated and `exclude` is not given
 */
export async function recommend(
  model: CollabModel,
  user: Id,
  n = 10,
  { exclude = 'rated', unknown = 'na' }: RecommendOptions = {},
): Promise<Recommendation[]> {
  checkCount(n);
  const row = rowOf(model.info.users, user, 'user', unknown);
  return named(model, await topLists(model, n, { rows: [row], excluded: excludedRows(model, exclude) }));
}

/**
 * As `recommend`, for many users. Users go through the device in blocks that fit the memory budget; scores are never
 * stored, so neither device nor host holds anything of size users x items.
 *
 * @throws MemoryBudgetError if the budget does not hold one user's list; otherwise as `recommend`
 */
export async function recommendAll(model: CollabModel, n = 10, options: RecommendAllOptions = {}): Promise<Recommendations> {
  checkCount(n);
  const { exclude = 'rated', unknown = 'na' } = options;
  const users = options.users ? rowsOf(model.info.users, options.users, 'user', unknown) : allRows(model.info.users.size);
  return { users, ...(await topLists(model, n, { ...options, rows: users, excluded: excludedRows(model, exclude) })) };
}

/** Whose lists `topLists` makes. */
export interface TopListsInput extends Pick<RecommendAllOptions, 'memoryBudget' | 'onProgress' | 'signal'> {
  /** User vectors in the layout of `RowLayout`. Default: the model's. */
  vectors?: GPUBuffer;
  /** The row of `vectors` of each user asked for. */
  rows: ArrayLike<number>;
  /** Item rows to leave out for a row of `vectors`, ascending. */
  excluded: (row: number) => Uint32Array;
}

/** Invocations to aim for where users are few, each with a slice of the items. */
const WANTED_THREADS = 4096;
/** Items in a slice for each place in the list, at least: every slice fills a list of its own. */
const ITEMS_PER_PLACE = 32;
/** Users whose lists are made at once. */
const MAX_BLOCK = 2 ** 18;
/** Multiply-adds of one dispatch: some 0.1 to 0.4 s on a software adapter, well under a millisecond on a GPU. */
const WORK_PER_DISPATCH = 2 ** 28;
/** The most list places of one call: what a typed array surely holds. */
const MAX_PLACES = 2 ** 30;

/** The lists of users given by rows; the maths is in `shaders/top-n.wgsl.ts`. */
export async function topLists({ embeddings: model, yRange }: CollabModel, n: number, input: TopListsInput): Promise<TopLists> {
  const {
    gpu,
    shape: { nUsers: firstItem, nItems, bias },
    layout: { factorVecs, rowVecs, rowStride },
  } = model;
  const { rows, onProgress, signal } = input;
  if (rows.length * n > MAX_PLACES)
    throw new RangeError(`${rows.length} lists of ${n} items are too many for one call; ask for fewer users or items.`);
  const items = new Uint32Array(rows.length * n);
  const predictions = new Float32Array(rows.length * n).fill(NaN);
  const nKept = Math.min(n, nItems - 1);
  if (nKept === 0 || rows.length === 0) return { n, items, predictions };

  const pipeline = await gpu.compile(topN(bias));
  const range = sigmoidRange(yRange);
  const nSlices = Math.max(
    1,
    Math.min(Math.floor((WANTED_THREADS * USERS_PER_THREAD) / rows.length), Math.floor(nItems / (ITEMS_PER_PLACE * nKept))),
  );
  const total = rows.length * (nItems - 1);
  for (let first = 0; first < rows.length;) {
    const { nUsers, asked, excluded } = nextBlock(first);
    const nFours = Math.ceil(nUsers / USERS_PER_THREAD);
    const listBytes = 4 * USERS_PER_THREAD * nFours * nSlices * nKept;
    const buffers = {
      asked: gpu.upload('users asked for', asked),
      excluded: gpu.upload('excluded items', excluded),
      topZ: gpu.allocate('top scores', listBytes),
      topItem: gpu.allocate('top items', listBytes),
    };
    const binding = pipeline.bind(
      { users: input.vectors ?? model.param, items: model.param, ...buffers },
      { nFours, nItems, nSlices, nKept, itemOffset: firstItem * rowVecs, factorVecs, rowVecs },
    );
    try {
      const step = Math.max(1, Math.floor(WORK_PER_DISPATCH / (USERS_PER_THREAD * nFours * rowStride)));
      let previous = Promise.resolve();
      for (let begin = 1; begin < nItems; begin += step) {
        signal?.throwIfAborted();
        const end = Math.min(begin + step, nItems);
        gpu
          .record('top n')
          .dispatch(binding, nFours * nSlices, { begin, end })
          .submit();
        const done = gpu.idle();
        done.catch(() => undefined);
        await previous; // one dispatch waits on the device while another runs
        previous = done;
        onProgress?.({ done: first * (nItems - 1) + nUsers * (end - 1), total });
      }
      const z = await gpu.readFloats(buffers.topZ);
      const found = await gpu.readWords(buffers.topItem);
      for (let k = 0; k < nUsers; k++) takeBest(z, found, k * nSlices * nKept, (first + k) * n);
    } finally {
      binding.release();
      gpu.release(...Object.values(buffers));
    }
    first += nUsers;
  }
  return { n, items, predictions };

  /** As many users from `first` on as the budget holds, and what the kernel reads of them. */
  function nextBlock(first: number) {
    const budget = Math.min(input.memoryBudget ?? Infinity, gpu.memoryBudget) - gpu.allocated;
    const listBytes = 4 * nSlices * nKept;
    const most = Math.min(MAX_BLOCK, Math.floor(Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize) / listBytes));
    const lists: Uint32Array[] = [];
    let nExcluded = 0;
    // A little for uniforms and padding; then a user's scores, items, their copy on the way back, Asked, and excluded items.
    for (let bytes = 4096 + 9 * listBytes; first + lists.length < rows.length && lists.length < most;) {
      const list = input.excluded(rows[first + lists.length]);
      bytes += 3 * listBytes + 4 * ASKED_SIZE + 4 * list.length;
      if (bytes > budget) break;
      lists.push(list);
      nExcluded += list.length;
    }
    const nUsers = lists.length;
    if (nUsers === 0) {
      throw new MemoryBudgetError(
        `Lists of ${nKept} items do not fit the memory budget, of which ${(budget / 2 ** 20).toFixed(1)} MiB are left: ask for fewer items or raise memoryBudget.`,
      );
    }
    const asked = new Uint32Array(ASKED_SIZE * USERS_PER_THREAD * Math.ceil(nUsers / USERS_PER_THREAD));
    const excluded = new Uint32Array(nExcluded);
    let end = 0;
    lists.forEach((list, k) => {
      excluded.set(list, end);
      asked.set([rows[first + k], end, (end += list.length)], ASKED_SIZE * k);
    });
    return { nUsers, asked, excluded };
  }

  /** Merges the sorted lists of a user's slices into places `to` and on. */
  function takeBest(z: Float32Array, found: Uint32Array, from: number, to: number): void {
    const next = Array.from({ length: nSlices }, (_, slice) => from + slice * nKept);
    for (let place = to; place < to + nKept; place++) {
      let best = 0;
      for (let slice = 1; slice < nSlices; slice++) {
        const [a, b] = [next[slice], next[best]];
        if (z[a] > z[b] || (z[a] === z[b] && found[a] < found[b])) best = slice;
      }
      const at = next[best]++;
      if (found[at] === 0) return;
      items[place] = found[at];
      predictions[place] = range.value(z[at]);
    }
  }
}

/** The first list of `lists` with ids and titles. */
export function named(model: CollabModel, { items, predictions }: TopLists): Recommendation[] {
  return Array.from(items)
    .filter((row) => row !== 0)
    .map((row, place) => ({ ...namedItem(model, row), prediction: predictions[place] }));
}

/** Id and, if known, title of an item row. */
export function namedItem(model: CollabModel, row: number): { item: Id; title?: string } {
  const item = model.info.items.idOf(row);
  const title = model.titleOf(item);
  return { item, ...(title !== undefined && { title }) };
}

/** @throws RangeError unless n is a whole number of at least 1 */
export function checkCount(n: number, what = 'n'): void {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`${what} must be a whole number of at least 1, not ${String(n)}.`);
}

function allRows(size: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: size - 1 }, (_, k) => k + 1);
}

/** What `exclude` leaves out for each user row. */
function excludedRows({ info }: CollabModel, exclude: Exclude): (row: number) => Uint32Array {
  if (exclude === 'none') return () => NOTHING;
  if (exclude !== 'rated') {
    const list = itemRows(info.items, exclude);
    return () => list;
  }
  if (info.train === undefined) {
    throw new TypeError(
      "This model does not know what its users rated in training: pass exclude: 'none', or the ids of the items to leave out.",
    );
  }
  return itemsByUser(info.train, info.users.size);
}

/** Item rows of ids, ascending. */
export function itemRows(map: CollabModel['info']['items'], ids: Iterable<Id>): Uint32Array {
  if (typeof ids === 'string' || typeof ids?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`exclude must be 'rated', 'none' or the ids of items, not ${JSON.stringify(ids)}.`);
  }
  return Uint32Array.from(ids, (id) => map.indexOf(id)).sort();
}

const NOTHING = new Uint32Array(0);

type ItemsOf = (user: number) => Uint32Array;
const itemsOfRatings = new WeakMap<Ratings, ItemsOf>();

/** The item rows of each user's ratings, ascending. Ratings never change, so the lists are kept as long as they are. */
function itemsByUser(ratings: Ratings, nUsers: number): ItemsOf {
  let itemsOf = itemsOfRatings.get(ratings);
  if (itemsOf === undefined) {
    const start = new Uint32Array(nUsers + 1);
    for (const user of ratings.users) start[user + 1]++;
    for (let user = 0; user < nUsers; user++) start[user + 1] += start[user];
    const next = start.slice();
    const items = new Uint32Array(ratings.users.length);
    for (let k = 0; k < items.length; k++) items[next[ratings.users[k]]++] = ratings.items[k];
    for (let user = 0; user < nUsers; user++) items.subarray(start[user], start[user + 1]).sort();
    itemsOf = (user) => items.subarray(start[user], start[user + 1]);
    itemsOfRatings.set(ratings, itemsOf);
  }
  return itemsOf;
}
