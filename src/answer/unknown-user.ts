import type { UnknownUser } from '../model/rows.js';
import type { EmbeddingTables } from '../model/tables.js';
import { readPrior } from './prior.js';
import type { Prior } from './solve-user.js';

/**
 * The row of the packed table that is read for a user whom training never saw, brought up to date. With 'mean' the score is
 * that of the mean vector and the mean bias of the trained users: what is known of a user before their first rating.
 */
export async function rowOfUnknownUser(tables: EmbeddingTables, unknownUser: UnknownUser): Promise<number> {
  if (unknownUser === 'na' || tables.shape.nUsers === 1) return 0;
  writeMeanUser(tables, await readPrior(tables));
  return tables.meanUserRow;
}

/** Sets the tables' row of the mean user. */
export function writeMeanUser({ gpu, param, layout, shape: { nFactors }, meanUserRow }: EmbeddingTables, { mean }: Prior): void {
  const row = new Float32Array(layout.rowStride);
  layout.packRows({ factors: mean, biases: [mean[nFactors]] }, row);
  gpu.write(param, row, 4 * layout.rowStride * meanUserRow);
}
