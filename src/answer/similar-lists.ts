import { identity } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { checkChoice, checkWhole } from '../base/check.js';
import { readSide } from '../model/rows.js';
import { EmbeddingTables, fitsOneBinding, type ModelTables } from '../model/tables.js';
import { type Similarity, withLengths } from './similar.js';
import { listsPerCall, type TopLists, topLists, type TopListsBounds } from './top-lists.js';
import type { TrainedModel } from './trained-model.js';

/** Which items are compared, how, and within which bounds. */
export interface SimilarListsOptions extends Pick<TopListsBounds, 'onProgress'> {
  /** Rows of the items, ascending. Default: all but `#na#`. */
  items?: Uint32Array<ArrayBuffer> | undefined;
  /** Default `'cosine'`. */
  metric?: Similarity | undefined;
}

/** The items most similar to some items. */
export interface SimilarLists {
  /** Rows of the items whose lists these are. */
  readonly rows: Uint32Array;
  /** By rows of the item table; the predictions are similarities. */
  readonly lists: TopLists;
}

/**
 * As `similarItems`, for many items, on the device and in its float32: block by block, so that the host never has all lists. It takes
 * the memory of the compared vectors once more, on the device.
 *
 * The cosine is the dot product of vectors of length 1, so that the lists are those of a model with such vectors and without biases.
 *
 * @throws RangeError if n is not a whole number of at least 1; MemoryBudgetError if the copy of the vectors does not fit
 */
export async function* similarLists(model: TrainedModel, n = 10, options: SimilarListsOptions = {}): AsyncGenerator<SimilarLists> {
  const { items = allRows(model.embeddings.shape.nItems), metric = 'cosine', onProgress } = options;
  checkWhole('n', n);
  checkChoice('metric', metric, ['cosine', 'dot']);
  if (items.length < 2) return;
  const total = items.length ** 2;
  const vectors = await copyOf(model, items, metric);
  try {
    const step = listsPerCall(n);
    for (let first = 0; first < items.length; first += step) {
      const rows = items.subarray(first, first + step);
      const lists = await topLists({ embeddings: vectors, info: { score: dotProduct, range: identity } }, n, {
        users: vectors.items,
        rows: Uint32Array.from(rows, (_, k) => first + k + 1),
        excluded: (row) => Uint32Array.of(row),
        onProgress:
          onProgress && (({ done, total: all }) => onProgress({ done: (first + (rows.length * done) / all) * items.length, total })),
      });
      yield { rows, lists: { ...lists, items: lists.items.map((row) => (row === 0 ? 0 : items[row - 1])) } };
    }
  } finally {
    vectors.release();
  }
}

/** The vectors of these items in rows 1, 2 and so on of tables of their own, without biases; for cosines of length 1, or zero. */
async function copyOf({ embeddings }: TrainedModel, items: Uint32Array, metric: Similarity): Promise<ModelTables> {
  const {
    gpu,
    shape: { nFactors },
  } = embeddings;
  const { factors, lengths } = withLengths(await readSide(embeddings, 'items'));
  const itemFactors = new Float32Array((items.length + 1) * nFactors);
  items.forEach((row, k) => {
    const vector = factors.subarray(row * nFactors, (row + 1) * nFactors);
    const length = metric === 'dot' ? 1 : lengths[row];
    if (length > 0) vector.forEach((x, f) => (itemFactors[(k + 1) * nFactors + f] = x / length));
  });
  const shape = { nUsers: 1, nItems: items.length + 1, nFactors, hasBias: false };
  const tables = fitsOneBinding(gpu, shape)
    ? new EmbeddingTables(gpu, shape)
    : (await import('../model/parted-tables.js')).tablesToRead(gpu, shape);
  try {
    const none = { userFactors: new Float32Array(nFactors), userBias: new Float32Array(1), itemBias: new Float32Array(shape.nItems) };
    tables.writeTables({ ...none, itemFactors });
    return tables;
  } catch (error) {
    tables.release();
    throw error;
  }
}

const allRows = (size: number) => Uint32Array.from({ length: size - 1 }, (_, k) => k + 1);
