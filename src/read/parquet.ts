/** Ratings from Parquet. This module is loaded only when a file of that kind comes. */
import { clip } from '../base/check.js';
import { DataError } from '../base/errors.js';
import type { Bytes, ReadWatch } from './bytes.js';
import { Cells } from './cells.js';
import type { ReadOptions } from './options.js';
import { type ParquetColumn, ParquetFile } from './parquet-file.js';
import type { RatingRows } from './rating-rows.js';
import { chooseFields, type Fields } from './roles.js';

const ROLES = ['user', 'item', 'rating', 'time', 'title', 'year'] as const;

/**
 * Reads all rows of a Parquet file, group by group, and of these only the columns that are needed.
 *
 * @throws DataError as `readText`, with the row for the line; the signal's reason if it is aborted
 */
export async function readParquet(bytes: Bytes, label: string, rows: RatingRows, options: ReadOptions, watch: ReadWatch): Promise<void> {
  const file = await ParquetFile.open(bytes, label);
  const all = file.columns.map(({ element }) => element.name);
  const chosen = chooseFields({ names: all, header: true, sample: [] }, label, options);
  const roles = ROLES.filter((role) => chosen[role] !== undefined);
  for (const role of roles) checkColumn(file.columns, chosen[role]!, role, label);
  const names = roles.map((role) => all[chosen[role]!]);
  const fields = { ...chosen, ...Object.fromEntries(roles.map((role, k) => [role, k])) } as Fields;
  rows.begin({ label, header: true, names, sample: [], fields });

  const cells = new Cells();
  const values: unknown[] = [];
  watch.signal?.throwIfAborted();
  for await (const { begin, end, columns, packed, total } of file.groups(names)) {
    watch.signal?.throwIfAborted();
    for (let row = 0; row < end - begin; row++) {
      for (let column = 0; column < columns.length; column++) values[column] = columns[column][row];
      const fault = rows.add(cells.write(values), cells.starts, cells.ends, begin + row + 1);
      if (fault !== undefined) rows.reject(fault, begin + row + 1);
    }
    watch.onProgress?.(packed, total);
  }
}

/** @throws DataError if the column cannot be what it was taken for */
function checkColumn(columns: readonly ParquetColumn[], position: number, role: (typeof ROLES)[number], label: string): void {
  const { element, children } = columns[position];
  const { name } = element;
  const refuse = (problem: string): never => {
    throw new DataError(`The column '${clip(name)}' ${problem}.`, { file: label, column: name });
  };
  if (columns.filter((column) => column.element.name === name).length > 1) refuse('is there twice');
  if (children.length > 0 || element.repetition_type === 'REPEATED') refuse('holds lists or objects, not one value each');
  if (element.converted_type?.startsWith('TIME_') || element.logical_type?.type === 'TIME') refuse('holds times without their dates');
  if (isTime(element) && (role === 'user' || role === 'item' || role === 'rating')) refuse(`holds times, and cannot be the ${role}s`);
}

function isTime({ type, converted_type: converted, logical_type: logical }: ParquetColumn['element']): boolean {
  if (type === 'INT96' && converted === undefined) return true;
  return converted === 'DATE' || converted?.startsWith('TIMESTAMP_') === true || logical?.type === 'TIMESTAMP' || logical?.type === 'DATE';
}
