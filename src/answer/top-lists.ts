import { topN, USERS_PER_THREAD } from '../../shaders/answer/top-n.wgsl.js';
import { Asked } from '../../shaders/ops/structs.js';
import { checkPositive } from '../base/check.js';
import { DotbiasError, MemoryBudgetError } from '../base/errors.js';
import { groupBy } from '../base/group-by.js';
import { StructArray } from '../gpu/struct.js';
import { forBuffers } from '../model/pairs.js';
import { bufferRow, type PlacedRows } from '../model/table-side.js';
import { BestItems } from './best-items.js';
import { NOT_FINITE, type TrainedModel } from './trained-model.js';

/** Lists of n places for each of many users, row-major; a list that ends early has item 0 (`#na#`) and prediction NaN from there. */
export interface TopLists {
  /** Places in each list. */
  readonly n: number;
  /** Rows of the item table, best first, [nUsers, n]. */
  readonly items: Uint32Array<ArrayBuffer>;
  /** Predicted ratings, [nUsers, n]. */
  readonly predictions: Float32Array<ArrayBuffer>;
}

/** Within which bounds lists are made. */
export interface TopListsBounds {
  /** Bytes of GPU memory that may be in use, the model's own included. Default: the device's budget. */
  memoryBudget?: number | undefined;
  /** Called with the pairs of user and item scored so far, and of all. */
  onProgress?: ((progress: { done: number; total: number }) => void) | undefined;
  /** Aborts between two dispatches; the call then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Whose lists `topLists` makes. */
export interface TopListsInput extends TopListsBounds {
  /** Rows of user vectors, the model's or others. */
  users: PlacedRows;
  /** The row of each user asked for. */
  rows: ArrayLike<number>;
  /** Item rows to leave out for a row of users, ascending. */
  excluded: (row: number) => Uint32Array;
}

/** Tables, and how predictions come from them. */
export interface ScoredTables extends Pick<TrainedModel, 'embeddings'> {
  readonly info: Pick<TrainedModel['info'], 'score' | 'range'>;
}

/** Invocations to aim for where users are few, each with a slice of the items. */
const WANTED_THREADS = 4096;
/** Items in a slice for each place in the list, at least: every slice fills a list of its own. */
const ITEMS_PER_PLACE = 32;
/** Users whose lists are made at once. */
const MAX_BLOCK = 2 ** 18;
/** Multiply-adds of one dispatch: some 0.1 to 0.4 s on a software adapter, well under a millisecond on a GPU. */
const WORK_PER_DISPATCH = 2 ** 28;
/** The most list places of one call, 8 bytes each: a gigabyte of the host's memory. */
const MAX_PLACES = 2 ** 27;
/** List places of a call where many calls follow each other: enough to keep a device busy, and little of the host's memory. */
const PLACES_PER_CALL = 2 ** 20;
/** Lists of n places to ask for at once, where all of them would take too much of the host's memory. */
export const listsPerCall = (n: number): number => Math.max(1, Math.min(MAX_BLOCK, Math.floor(PLACES_PER_CALL / n)));

/**
 * The lists of users given by rows; the maths is in shaders/answer/top-n.wgsl.ts. Users go through the device in blocks
 * that fit the memory budget; scores are never stored, so neither device nor host holds anything of size users x items.
 *
 * @throws MemoryBudgetError if the budget does not hold one user's list; RangeError for more than 2^27 places,
 *   or a budget that is not a positive number; DotbiasError if a score is not finite
 */
export async function topLists({ embeddings, info: { score, range } }: ScoredTables, n: number, input: TopListsInput): Promise<TopLists> {
  const {
    gpu,
    items: itemSide,
    shape: { nItems, hasBias },
    layout: { factorVecs, rowVecs, rowStride },
  } = embeddings;
  const { users, rows, onProgress, signal, memoryBudget } = input;
  if (memoryBudget !== undefined) checkPositive('memoryBudget', memoryBudget);
  if (rows.length * n > MAX_PLACES) {
    throw new RangeError(`${rows.length} lists of ${n} items are too many for one call; ask for fewer users or items.`);
  }
  const items = new Uint32Array(rows.length * n);
  const predictions = new Float32Array(rows.length * n).fill(NaN);
  const nKept = Math.min(n, nItems - 1);
  if (nKept === 0 || rows.length === 0) return { n, items, predictions };

  const pipeline = await gpu.compile(topN(score, hasBias));
  const wantedSlices = Math.floor((WANTED_THREADS * USERS_PER_THREAD) / rows.length);
  const nSlices = Math.max(1, Math.min(wantedSlices, Math.floor(nItems / (itemSide.blocks.length * ITEMS_PER_PLACE * nKept))));
  const total = rows.length * (nItems - 1);
  let done = 0;
  // Those whose rows are in one buffer go together; each keeps its place in the lists.
  const { start, order } = groupBy(
    Uint32Array.from(rows, (row) => users.blockOf(row)),
    users.blocks.length,
  );
  for (let block = 0; block < users.blocks.length; block++) {
    for (let first = start[block]; first < start[block + 1];) first += await makeLists(block, first, start[block + 1]);
  }
  return { n, items, predictions };

  /** Makes the lists of as many users as the budget holds, order[first] and those after it up to `end`, and says how many. */
  async function makeLists(userBlock: number, first: number, end: number): Promise<number> {
    const excluded = nextUsers(first, end);
    const best = new BestItems(excluded.length, nKept);
    for (let block = 0; block < itemSide.blocks.length; block++) await offerBlock(userBlock, first, excluded, block, best);
    for (let k = 0; k < excluded.length; k++) {
      const to = order[first + k] * n;
      for (let place = 0; place < nKept; place++) {
        const row = best.rows[k * nKept + place];
        if (row === 0) break;
        items[to + place] = row;
        predictions[to + place] = range.value(best.z[k * nKept + place]);
      }
    }
    return excluded.length;
  }

  /** Offers the items of a block to the lists of some users. */
  async function offerBlock(
    userBlock: number,
    first: number,
    excluded: readonly Uint32Array[],
    block: number,
    best: BestItems,
  ): Promise<void> {
    const rowAt = itemSide.rowsOf(block);
    const { nRows, firstRow } = itemSide.blocks[block];
    // The kernel counts items from 1: `#na#`, the first row of its block, is its item 0; in another block no row is.
    const shift = (rowAt?.[0] ?? 0) === 0 ? 0 : 1;
    const nOwn = nRows + shift;
    if (nOwn <= 1) return;
    const nFours = Math.ceil(excluded.length / USERS_PER_THREAD);
    await gpu.withScope(async (scope) => {
      const listBytes = 4 * USERS_PER_THREAD * nFours * nSlices * nKept;
      const topZ = scope.allocate('top scores', listBytes);
      const topItem = scope.allocate('top items', listBytes);
      const { asked, lists } = askedOf(first, excluded, block, shift);
      const own = { asked: scope.upload('users asked for', asked.words), excluded: scope.upload('excluded items', lists), topZ, topItem };
      const sizes = { nFours, nItems: nOwn, nSlices, nKept, itemOffset: (firstRow - shift) * rowVecs, factorVecs, rowVecs };
      // The items of a model in parts may move between two dispatches.
      const bind = forBuffers((vectors, itemRows) => pipeline.bind(scope, { users: vectors, items: itemRows, ...own }, sizes));
      const step = Math.max(1, Math.floor(WORK_PER_DISPATCH / (USERS_PER_THREAD * nFours * rowStride)));
      let previous = Promise.resolve();
      for (let begin = 1; begin < nOwn; begin += step) {
        signal?.throwIfAborted();
        const end = Math.min(begin + step, nOwn);
        gpu
          .record('top n')
          .dispatch(bind(users.blocks[userBlock].buffer, itemSide.blocks[block].buffer), nFours * nSlices, { begin, end })
          .submit();
        await previous; // one dispatch waits on the device while another runs
        if (end < nOwn) (previous = gpu.idle()).catch(() => undefined);
        done += excluded.length * (end - begin);
        onProgress?.({ done, total });
      }
      // Both at once, since each waits for the device; and both to their end, so that nothing is in use if one fails.
      const reading = [gpu.readFloats(topZ), gpu.readWords(topItem)] as const;
      await Promise.allSettled(reading);
      const [z, found] = await Promise.all(reading);
      if (!z.subarray(0, excluded.length * nSlices * nKept).every(Number.isFinite)) {
        throw new DotbiasError(`Nothing can be recommended: scores are not finite, because ${NOT_FINITE}`);
      }
      best.offer(z, found, nSlices, (item) => (rowAt === undefined ? item : rowAt[item - shift]));
    });
  }

  /** What as many of the users order[first] to order[end - 1] as the budget holds leave out. */
  function nextUsers(first: number, end: number): Uint32Array[] {
    const budget = Math.min(memoryBudget ?? Infinity, gpu.memoryBudget) - gpu.allocated;
    const listBytes = 4 * nSlices * nKept;
    const most = Math.min(MAX_BLOCK, Math.floor(gpu.maxBinding / listBytes));
    const lists: Uint32Array[] = [];
    // A little for uniforms and padding; then a user's scores, items, their copies on the way back, Asked, and excluded items.
    for (let bytes = 4096 + 12 * listBytes; first + lists.length < end && lists.length < most;) {
      const list = input.excluded(rows[order[first + lists.length]]);
      bytes += 4 * listBytes + 4 * Asked.size + 4 * list.length;
      if (bytes > budget) break;
      lists.push(list);
    }
    if (lists.length === 0) {
      const left = (budget / 2 ** 20).toFixed(1);
      throw new MemoryBudgetError(
        `Lists of ${nKept} items do not fit the memory budget, of which ${left} MiB are left: ask for fewer items or raise memoryBudget.`,
      );
    }
    return lists;
  }

  /** What the kernel reads of these users: their rows, and which items of a block each leaves out. */
  function askedOf(first: number, excluded: readonly Uint32Array[], block: number, shift: number) {
    const asked = new StructArray(Asked, USERS_PER_THREAD * Math.ceil(excluded.length / USERS_PER_THREAD));
    const lists = new Uint32Array(excluded.reduce((sum, { length }) => sum + length, 0));
    let end = 0;
    excluded.forEach((list, k) => {
      const begin = end;
      for (const row of list) if (itemSide.blockOf(row) === block) lists[end++] = itemSide.placeOf(row) + shift;
      asked.set(k, { row: bufferRow(users, rows[order[first + k]]), begin, end });
    });
    return { asked, lists };
  }
}
