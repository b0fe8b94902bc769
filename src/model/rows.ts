import { type Id, type IdMap, isId } from '../data/ids.js';
import { checkChoice, show } from '../base/check.js';
import type { Rows } from './layout.js';
import type { EmbeddingTables } from './tables.js';

/**
 * As what a user whom training never saw is predicted: as the mean of the trained users, vector and bias, or by fastai's `#na#`
 * row, whose vector and bias are near zero. The mean is the better guess: on MovieLens-100K, users of u1.test left out of
 * training have an MSE of 1.11, against 1.46 by `#na#` and 1.33 by the mean rating. An unknown item is `#na#` in either case.
 */
export type UnknownUser = 'mean' | 'na';

/** What to do with an id that training never saw: an answer as `UnknownUser` says, or none. */
export type UnknownIds = UnknownUser | 'error';

/** @throws RangeError unless `unknown` is one of the three */
export function checkUnknown(unknown: UnknownIds): void {
  checkChoice('unknown', unknown, ['mean', 'na', 'error']);
}

/**
 * Table rows of ids.
 * @throws RangeError for an id that training never saw with `unknown: 'error'`, or another `unknown`; TypeError for anything
 *   but an array of ids, or one that holds undefined, say
 */
export function rowsOf(map: IdMap, ids: ArrayLike<Id>, what: string, unknown: UnknownIds): Uint32Array<ArrayBuffer> {
  if (!Array.isArray(ids) && !ArrayBuffer.isView(ids)) throw new TypeError(`Give the ${what} ids as an array, not ${show(ids)}.`);
  checkUnknown(unknown);
  return Uint32Array.from(ids as ArrayLike<Id>, (id: Id) => rowOf(map, id, what, unknown));
}

/** Table row of one id, 0 if training never saw it. @throws RangeError as `rowsOf`; TypeError for what can be no id */
export function rowOf(map: IdMap, id: Id, what: string, unknown: UnknownIds): number {
  const row = map.indexOf(id);
  if (row > 0) return row;
  if (!isId(id))
    throw new TypeError(`The id of ${what === 'item' ? 'an' : 'a'} ${what} is a whole number of at least 0 or a text, not ${show(id)}.`);
  if (unknown === 'error') throw new RangeError(`Training saw no ${what} ${show(id)}.`);
  return 0;
}

/** More rows than this are read as one piece of the table. */
const MAX_COPIES = 1024;

/**
 * Rows of the packed table (`RowLayout`: users first, then items) read back as they are on the device now.
 *
 * @returns [rows.length, rowStride]
 */
export async function readRows(tables: EmbeddingTables, rows: ArrayLike<number>): Promise<Float32Array<ArrayBuffer>> {
  const {
    gpu,
    param,
    layout: { rowStride },
  } = tables;
  const { length } = rows;
  if (length > MAX_COPIES) {
    let first = rows[0];
    let last = rows[0];
    for (let k = 1; k < length; k++) {
      first = Math.min(first, rows[k]);
      last = Math.max(last, rows[k]);
    }
    const piece = await gpu.readFloats(param, first * rowStride, (last + 1 - first) * rowStride);
    const out = new Float32Array(length * rowStride);
    for (let k = 0; k < length; k++) {
      const from = (rows[k] - first) * rowStride;
      out.set(piece.subarray(from, from + rowStride), k * rowStride);
    }
    return out;
  }
  return gpu.withScope(async (scope) => {
    const bytes = 4 * rowStride;
    const gathered = scope.allocate('rows', length * bytes);
    const recorder = gpu.record('read rows');
    for (let k = 0; k < length; k++) recorder.copy(param, rows[k] * bytes, gathered, k * bytes, bytes);
    recorder.submit();
    return gpu.readFloats(gathered, 0, length * rowStride);
  });
}

/** One side's whole table, read back. */
export async function readSide(tables: EmbeddingTables, side: 'user' | 'item'): Promise<Rows> {
  const {
    gpu,
    param,
    shape: { nUsers, nItems },
    layout,
  } = tables;
  const [first, n] = side === 'user' ? [0, nUsers] : [nUsers, nItems];
  return layout.unpackRows(await gpu.readFloats(param, first * layout.rowStride, n * layout.rowStride));
}
