/** The items as a folded-in user meets them: on the device, as they are now, or in a copy on the host. */
import type { RangeOp } from '../../shaders/ops/range.js';
import { DotbiasError } from '../base/errors.js';
import type { Rows } from '../model/layout.js';
import { readRows } from '../model/rows.js';
import { rowsIn } from '../model/table-side.js';
import { bestRows } from './best-rows.js';
import { type TopLists, topLists } from './top-lists.js';
import { NOT_FINITE, type TrainedModel } from './trained-model.js';

/** Item rows as the vectors that a user's vector is multiplied with (factors, then 1 with biases), and their biases. */
export interface ItemVectors {
  vectors: Float64Array[];
  itemBias: Float64Array;
}

/** What a folded-in user asks of the items. */
export interface ItemTable {
  vectors(rows: ArrayLike<number>): Promise<ItemVectors>;
  /**
   * The best items for a user's vector x (factors, then the bias if any), best first, equal scores by row; `excluded` ascends.
   * @throws DotbiasError if a score is not finite
   */
  best(n: number, x: Float64Array, excluded: Uint32Array): Promise<Pick<TopLists, 'items' | 'predictions'>>;
}

/** The items on the device: scores are computed there, in float32. */
export function itemsOnDevice(model: TrainedModel): ItemTable {
  return {
    async vectors(rows) {
      const { embeddings: tables } = model;
      const { nFactors, hasBias } = tables.shape;
      const read = tables.layout.unpackRows(await readRows(tables, tables.items, rows));
      return vectorsOf(
        read,
        nFactors,
        hasBias,
        Uint32Array.from(rows, (_, k) => k),
      );
    },
    async best(n, x, excluded) {
      const { gpu, layout, shape } = model.embeddings;
      const row = new Float32Array(layout.rowStride);
      layout.packRows({ factors: x, biases: [x[shape.nFactors]] }, row);
      return gpu.withScope(async (scope) => {
        const users = rowsIn(scope.upload('folded user', row), 1);
        return topLists(model, n, { users, rows: [0], excluded: () => excluded });
      });
    },
  };
}

/** A copy of the items on the host: scores are computed there, in float64. @param rows the whole table, `#na#` first */
export function itemsOnHost(rows: Rows, { nFactors, hasBias }: { nFactors: number; hasBias: boolean }, range: RangeOp): ItemTable {
  const { factors, biases } = rows;
  return {
    vectors: async (which) => vectorsOf(rows, nFactors, hasBias, which),
    async best(n, x, excluded) {
      const z = new Float64Array(biases.length);
      for (let row = 0, at = 0; row < z.length; row++) {
        let sum = 0;
        for (let f = 0; f < nFactors; f++, at++) sum += factors[at] * x[f];
        z[row] = (hasBias ? sum + x[nFactors] : sum) + biases[row];
      }
      for (let row = 1; row < z.length; row++) {
        if (!Number.isFinite(z[row])) throw new DotbiasError(`Nothing can be recommended: scores are not finite, because ${NOT_FINITE}`);
      }
      z[0] = -Infinity; // #na#
      for (const row of excluded) z[row] = -Infinity;
      const best = Uint32Array.from(bestRows(z, n));
      return { items: best, predictions: Float32Array.from(best, (row) => range.value(z[row])) };
    },
  };
}

function vectorsOf({ factors, biases }: Rows, nFactors: number, hasBias: boolean, rows: ArrayLike<number>): ItemVectors {
  const vectors = Array.from(rows, (row) => {
    const vector = new Float64Array(nFactors + (hasBias ? 1 : 0)).fill(1);
    vector.set(factors.subarray(row * nFactors, (row + 1) * nFactors));
    return vector;
  });
  return { vectors, itemBias: Float64Array.from(rows, (row) => biases[row]) };
}
