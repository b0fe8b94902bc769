import { columnMoments, ROWS_PER_PIECE } from '../../shaders/answer/column-moments.wgsl.js';
import type { EmbeddingTables } from '../model/tables.js';
import type { Prior } from './solve-user.js';

/**
 * Mean and standard deviation of each column over the trained users, `#na#` not among them: what is known of a user
 * before their first rating.
 *
 * @throws RangeError without trained users
 */
export async function priorOf({ gpu, param, shape, layout }: EmbeddingTables): Promise<Prior> {
  const { nUsers, nFactors, hasBias } = shape;
  const { rowStride, biasColumn } = layout;
  const count = nUsers - 1;
  if (count === 0) throw new RangeError('The model has no trained users to learn from what users are like.');
  const nPieces = Math.ceil(count / ROWS_PER_PIECE);
  const pipeline = await gpu.compile(columnMoments);
  const pieces = await gpu.withScope(async (scope) => {
    const moments = scope.allocate('column moments', 8 * nPieces * rowStride);
    const binding = pipeline.bind(scope, { param, moments }, { firstRow: 1, endRow: nUsers, rowStride, nPieces });
    gpu
      .record('column moments')
      .dispatch(binding, nPieces * rowStride)
      .submit();
    return gpu.readFloats(moments, 0, 2 * nPieces * rowStride);
  });
  const columns = Array.from({ length: nFactors + (hasBias ? 1 : 0) }, (_, f) => (f < nFactors ? f : biasColumn));
  const sizes = Array.from({ length: nPieces }, (_, piece) => Math.min(ROWS_PER_PIECE, count - piece * ROWS_PER_PIECE));
  const sum = (of: (at: number, size: number) => number, column: number) =>
    sizes.reduce((total, size, piece) => total + of(2 * (piece * rowStride + column), size), 0);
  const mean = Float64Array.from(columns, (column) => sum((at, size) => size * pieces[at], column) / count);
  const sd = Float64Array.from(columns, (column, f) => {
    const squares = sum((at, size) => pieces[at + 1] + size * (pieces[at] - mean[f]) ** 2, column);
    return Math.sqrt(squares / count);
  });
  return { mean, sd };
}
