import { topN, USERS_PER_THREAD } from '../../shaders/answer/top-n.wgsl.js';
import { Asked } from '../../shaders/ops/structs.js';
import { checkPositive } from '../base/check.js';
import { DotbiasError, MemoryBudgetError } from '../base/errors.js';
import { StructArray } from '../gpu/struct.js';
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
  /** User vectors in the layout of `RowLayout`. Default: the model's. */
  vectors?: GPUBuffer | undefined;
  /** The row of `vectors` of each user asked for. */
  rows: ArrayLike<number>;
  /** The row of `vectors` to read for row 0. Default: row 0. */
  unknownUserRow?: number | undefined;
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
/** The most list places of one call, 8 bytes each: a gigabyte of the host's memory. */
const MAX_PLACES = 2 ** 27;

/**
 * The lists of users given by rows; the maths is in shaders/answer/top-n.wgsl.ts. Users go through the device in blocks
 * that fit the memory budget; scores are never stored, so neither device nor host holds anything of size users x items.
 *
 * @throws MemoryBudgetError if the budget does not hold one user's list; RangeError for more than 2^27 places,
 *   or a budget that is not a positive number; DotbiasError if a score is not finite
 */
export async function topLists({ embeddings, info: { score, range } }: TrainedModel, n: number, input: TopListsInput): Promise<TopLists> {
  const {
    gpu,
    param,
    shape: { nUsers: firstItem, nItems, hasBias },
    layout: { factorVecs, rowVecs, rowStride },
  } = embeddings;
  const { rows, unknownUserRow = 0, onProgress, signal, memoryBudget } = input;
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
  const nSlices = Math.max(1, Math.min(wantedSlices, Math.floor(nItems / (ITEMS_PER_PLACE * nKept))));
  const total = rows.length * (nItems - 1);
  for (let first = 0; first < rows.length;) {
    first += await makeBlock(first);
  }
  return { n, items, predictions };

  /** Makes the lists of as many users from `first` on as the budget holds, and says how many. */
  async function makeBlock(first: number): Promise<number> {
    const { nUsers, asked, excluded } = nextBlock(first);
    const nFours = Math.ceil(nUsers / USERS_PER_THREAD);
    const listBytes = 4 * USERS_PER_THREAD * nFours * nSlices * nKept;
    return gpu.withScope(async (scope) => {
      const topZ = scope.allocate('top scores', listBytes);
      const topItem = scope.allocate('top items', listBytes);
      const binding = pipeline.bind(
        scope,
        {
          users: input.vectors ?? param,
          items: param,
          asked: scope.upload('users asked for', asked.words),
          excluded: scope.upload('excluded items', excluded),
          topZ,
          topItem,
        },
        { nFours, nItems, nSlices, nKept, itemOffset: firstItem * rowVecs, factorVecs, rowVecs },
      );
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
      const z = await gpu.readFloats(topZ);
      const found = await gpu.readWords(topItem);
      if (!z.subarray(0, nUsers * nSlices * nKept).every(Number.isFinite)) {
        throw new DotbiasError(`Nothing can be recommended: scores are not finite, because ${NOT_FINITE}`);
      }
      for (let k = 0; k < nUsers; k++) takeBest(z, found, k * nSlices * nKept, (first + k) * n);
      return nUsers;
    });
  }

  /** As many users from `first` on as the budget holds, and what the kernel reads of them. */
  function nextBlock(first: number) {
    const budget = Math.min(memoryBudget ?? Infinity, gpu.memoryBudget) - gpu.allocated;
    const listBytes = 4 * nSlices * nKept;
    const most = Math.min(MAX_BLOCK, Math.floor(gpu.maxBinding / listBytes));
    const lists: Uint32Array[] = [];
    let nExcluded = 0;
    // A little for uniforms and padding; then a user's scores, items, their copy on the way back, Asked, and excluded items.
    for (let bytes = 4096 + 9 * listBytes; first + lists.length < rows.length && lists.length < most;) {
      const list = input.excluded(rows[first + lists.length]);
      bytes += 3 * listBytes + 4 * Asked.size + 4 * list.length;
      if (bytes > budget) break;
      lists.push(list);
      nExcluded += list.length;
    }
    const nUsers = lists.length;
    if (nUsers === 0) {
      const left = (budget / 2 ** 20).toFixed(1);
      throw new MemoryBudgetError(
        `Lists of ${nKept} items do not fit the memory budget, of which ${left} MiB are left: ask for fewer items or raise memoryBudget.`,
      );
    }
    const asked = new StructArray(Asked, USERS_PER_THREAD * Math.ceil(nUsers / USERS_PER_THREAD));
    const excluded = new Uint32Array(nExcluded);
    let end = 0;
    lists.forEach((list, k) => {
      excluded.set(list, end);
      asked.set(k, { row: rows[first + k] || unknownUserRow, begin: end, end: (end += list.length) });
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
