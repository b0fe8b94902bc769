import { columnMoments, ROWS_PER_PIECE } from '../../shaders/answer/column-moments.wgsl.js';
import { DotbiasError } from '../base/errors.js';
import type { Pipeline } from '../gpu/pipeline.js';
import type { Scope } from '../gpu/scope.js';
import { bufferRow } from '../model/table-side.js';
import type { ModelTables } from '../model/tables.js';
import type { Prior } from './solve-user.js';
import { NOT_FINITE } from './trained-model.js';

/**
 * Mean and standard deviation of each column over the trained users, `#na#` not among them: what is known of a user
 * before their first rating.
 *
 * @throws RangeError without trained users; DotbiasError if they are not finite
 */
export async function priorOf(tables: ModelTables): Promise<Prior> {
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
export async function readPrior(tables: ModelTables): Promise<Prior> {
  const pipeline = await tables.gpu.compile(columnMoments);
  return tables.gpu.withScope((scope) => priorReader(tables, scope, pipeline)());
}

/**
 * As `readPrior`, for many times: what it needs on the device is allocated at once.
 *
 * @param deal the order in which users are summed, block after block: its bits are the same in whichever parts the tables are.
 *   Default: that of the tables
 */
export function priorReader(
  { gpu, shape, layout, users }: ModelTables,
  scope: Scope,
  pipeline: Pipeline<typeof columnMoments>,
  deal = users.deal,
): () => Promise<Prior> {
  const { nUsers, nFactors, hasBias } = shape;
  const { rowStride, biasColumn } = layout;
  const count = nUsers - 1;
  if (count === 0) throw new RangeError('The model has no trained users to learn from what users are like.');
  const ordered = deal === undefined ? Uint32Array.from({ length: count }, (_, k) => k + 1) : deal.rows.filter((row) => row !== 0);
  const runs = runsOf(ordered, (row) => deal?.block[row] ?? 0);
  const sizes = runs.flatMap(({ begin, end }) => piecesOf(end - begin));
  const rows = scope.upload(
    'users in order',
    ordered.map((row) => bufferRow(users, row)),
  );
  const moments = scope.allocate('column moments', 8 * sizes.length * rowStride);
  const bindings = runs.map(({ begin }) => {
    const table = users.blocks[users.blockOf(ordered[begin])].buffer;
    return pipeline.bind(scope, { rows, table, moments }, { rowStride });
  });
  const columns = Array.from({ length: nFactors + (hasBias ? 1 : 0) }, (_, f) => (f < nFactors ? f : biasColumn));
  const sum = (of: (at: number, size: number) => number, column: number) =>
    sizes.reduce((total, size, piece) => total + of(2 * (piece * rowStride + column), size), 0);
  return async () => {
    const recorder = gpu.record('column moments');
    let firstPiece = 0;
    for (const [r, { begin, end }] of runs.entries()) {
      const nPieces = piecesOf(end - begin).length;
      recorder.dispatch(bindings[r], nPieces * rowStride, { begin, end, firstPiece });
      firstPiece += nPieces;
    }
    recorder.submit();
    const pieces = await gpu.readFloats(moments, 0, 2 * sizes.length * rowStride);
    const mean = Float64Array.from(columns, (column) => sum((at, size) => size * pieces[at], column) / count);
    const sd = Float64Array.from(columns, (column, f) => {
      const squares = sum((at, size) => pieces[at + 1] + size * (pieces[at] - mean[f]) ** 2, column);
      return Math.sqrt(squares / count);
    });
    return { mean, sd };
  };
}

/** Where `rows` has rows of one block after the other. */
function runsOf(rows: Uint32Array, blockOf: (row: number) => number): { begin: number; end: number }[] {
  const runs: { begin: number; end: number }[] = [];
  for (let k = 0, block; k < rows.length; k++) {
    if (k > 0 && block === blockOf(rows[k])) continue;
    block = blockOf(rows[k]);
    if (k > 0) runs.at(-1)!.end = k;
    runs.push({ begin: k, end: rows.length });
  }
  return runs;
}

/** The sizes of the pieces of n rows. */
const piecesOf = (n: number): number[] =>
  Array.from({ length: Math.ceil(n / ROWS_PER_PIECE) }, (_, piece) => Math.min(ROWS_PER_PIECE, n - piece * ROWS_PER_PIECE));
