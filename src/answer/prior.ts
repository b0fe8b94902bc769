import { columnMoments, ROWS_PER_PIECE } from '../../shaders/answer/column-moments.wgsl.js';
import { DotbiasError } from '../base/errors.js';
import type { Pipeline } from '../gpu/pipeline.js';
import type { Scope } from '../gpu/scope.js';
import type { EmbeddingTables } from '../model/tables.js';
import type { Prior } from './solve-user.js';
import { NOT_FINITE } from './trained-model.js';

/**
 * Mean and standard deviation of each column over the trained users, `#na#` not among them: what is known of a user
 * before their first rating.
 *
 * @throws RangeError without trained users; DotbiasError if they are not finite
 */
export async function priorOf(tables: EmbeddingTables): Promise<Prior> {
  return checkPrior(await readPrior(tables));
}

/** @throws DotbiasError unless all numbers are finite */
export function checkPrior(prior: Prior): Prior {
  if (![prior.mean, prior.sd].every((values) => values.every(Number.isFinite))) {
    throw new DotbiasError(`The mean of the trained users is not finite: ${NOT_FINITE}`);
  }
  return prior;
}

/** As `priorOf`, whatever the numbers are. */
export async function readPrior(tables: EmbeddingTables): Promise<Prior> {
  const pipeline = await tables.gpu.compile(columnMoments);
  return tables.gpu.withScope((scope) => priorReader(tables, scope, pipeline)());
}

/** As `readPrior`, for many times: what it needs on the device is allocated at once. */
export function priorReader(
  { gpu, param, shape, layout }: EmbeddingTables,
  scope: Scope,
  pipeline: Pipeline<typeof columnMoments>,
): () => Promise<Prior> {
  const { nUsers, nFactors, hasBias } = shape;
  const { rowStride, biasColumn } = layout;
  const count = nUsers - 1;
  if (count === 0) throw new RangeError('The model has no trained users to learn from what users are like.');
  const nPieces = Math.ceil(count / ROWS_PER_PIECE);
  const moments = scope.allocate('column moments', 8 * nPieces * rowStride);
  const binding = pipeline.bind(scope, { param, moments }, { firstRow: 1, endRow: nUsers, rowStride, nPieces });
  const columns = Array.from({ length: nFactors + (hasBias ? 1 : 0) }, (_, f) => (f < nFactors ? f : biasColumn));
  const sizes = Array.from({ length: nPieces }, (_, piece) => Math.min(ROWS_PER_PIECE, count - piece * ROWS_PER_PIECE));
  const sum = (of: (at: number, size: number) => number, column: number) =>
    sizes.reduce((total, size, piece) => total + of(2 * (piece * rowStride + column), size), 0);
  return async () => {
    gpu
      .record('column moments')
      .dispatch(binding, nPieces * rowStride)
      .submit();
    const pieces = await gpu.readFloats(moments, 0, 2 * nPieces * rowStride);
    const mean = Float64Array.from(columns, (column) => sum((at, size) => size * pieces[at], column) / count);
    const sd = Float64Array.from(columns, (column, f) => {
      const squares = sum((at, size) => pieces[at + 1] + size * (pieces[at] - mean[f]) ** 2, column);
      return Math.sqrt(squares / count);
    });
    return { mean, sd };
  };
}
