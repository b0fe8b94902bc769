import type { Scope } from '../gpu/scope.js';
import type { UnknownUser } from '../model/rows.js';
import { type PlacedRows, rowsIn } from '../model/table-side.js';
import type { ModelTables } from '../model/tables.js';
import { readPrior } from './prior.js';
import type { Prior } from './solve-user.js';

/**
 * The users of a model as an answer reads them: row 0, a user whom training never saw, is `#na#` or, with 'mean', the mean vector and
 * the mean bias of the trained users as they are now: what is known of a user before their first rating.
 *
 * @param rows the rows that are to be read; without row 0 among them nothing is done for it
 */
export async function usersFor(tables: ModelTables, scope: Scope, unknownUser: UnknownUser, rows: ArrayLike<number>): Promise<PlacedRows> {
  if (!readsMeanUser(tables, unknownUser, rows)) return tables.users;
  const mean = meanUser(tables, scope);
  mean.write(await readPrior(tables));
  return mean.users;
}

/** Whether the mean user stands for somebody among the rows. */
export function readsMeanUser({ shape: { nUsers } }: ModelTables, unknownUser: UnknownUser, rows: ArrayLike<number>): boolean {
  return unknownUser === 'mean' && nUsers > 1 && Array.prototype.includes.call(rows, 0);
}

/** The users of a model with the mean user, in a block of its own, in place of row 0; and how it is brought up to date. */
export function meanUser({ gpu, layout, shape: { nFactors }, users }: ModelTables, scope: Scope) {
  const buffer = scope.allocate('mean user', 4 * layout.rowStride);
  const own = users.blocks.length;
  const placed: PlacedRows = {
    blocks: [...users.blocks, ...rowsIn(buffer, 1).blocks],
    blockOf: (row) => (row === 0 ? own : users.blockOf(row)),
    placeOf: (row) => (row === 0 ? 0 : users.placeOf(row)),
  };
  const write = ({ mean }: Prior) => {
    const row = new Float32Array(layout.rowStride);
    layout.packRows({ factors: mean, biases: [mean[nFactors]] }, row);
    gpu.write(buffer, row);
  };
  return { users: placed, write };
}
