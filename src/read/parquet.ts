/** Ratings from Parquet, which hyparquet reads. This module is loaded only when a file of that kind comes. */
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { clip } from '../base/check.js';
import { DataError } from '../base/errors.js';
import type { Bytes, ReadWatch } from './bytes.js';
import { Cells } from './cells.js';
import type { ReadOptions } from './options.js';
import type { RatingRows } from './rating-rows.js';
import { chooseFields, type Fields } from './roles.js';

/** The most rows of a group, which are in memory at once. */
const MAX_GROUP = 2 ** 26;
/** Codecs that hyparquet itself unpacks. */
const PLAIN_CODECS = ['UNCOMPRESSED', 'SNAPPY'];
/** Times become seconds since 1970. */
const PARSERS = {
  timestampFromMilliseconds: (time: bigint) => Number(time) / 1e3,
  timestampFromMicroseconds: (time: bigint) => Number(time) / 1e6,
  timestampFromNanoseconds: (time: bigint) => Number(time) / 1e9,
  dateFromDays: (days: number) => days * 86_400,
};
const ROLES = ['user', 'item', 'rating', 'time', 'title', 'year'] as const;

/**
 * Reads all rows of a Parquet file, group by group, and of these only the columns that are needed.
 *
 * @throws DataError as `readText`, with the row for the line; the signal's reason if it is aborted
 */
export async function readParquet(bytes: Bytes, label: string, rows: RatingRows, options: ReadOptions, watch: ReadWatch): Promise<void> {
  const file = { byteLength: bytes.size, slice: (start: number, end = bytes.size) => sliceOf(bytes, start, end) };
  const { metadata, columns } = await readable(readFooter(file), label);
  const all = columns.map(({ element }) => element.name);
  const chosen = chooseFields({ names: all, header: true, sample: [] }, label, options);
  const roles = ROLES.filter((role) => chosen[role] !== undefined);
  for (const role of roles) checkColumn(columns, chosen[role]!, role, label);
  const names = roles.map((role) => all[chosen[role]!]);
  const fields = { ...chosen, ...Object.fromEntries(roles.map((role, k) => [role, k])) } as Fields;
  rows.begin({ label, header: true, names, sample: [], fields });

  const packed = groupSizes(metadata, names);
  const compressors = await compressorsFor(metadata, label);
  const scan = await readable(
    parquetScan({ file, metadata, columns: [...new Set(names)], parsers: PARSERS, geoparquet: false, ...compressors }),
    label,
  );
  const cells = new Cells();
  const values: unknown[] = [];
  let read = 0;
  for (const [k, { rowStart, rowEnd }] of scan.ranges.entries()) {
    watch.signal?.throwIfAborted();
    if (rowEnd - rowStart > MAX_GROUP) {
      throw new DataError(`A row group of ${rowEnd - rowStart} rows does not fit into memory; write smaller ones.`, { file: label });
    }
    const group = await readable(Promise.all(names.map((column) => scan.readColumn({ column, rowStart, rowEnd }))), label);
    if (group.some(({ length }) => length !== rowEnd - rowStart)) throw damaged(label);
    for (let row = 0; row < rowEnd - rowStart; row++) {
      for (let column = 0; column < group.length; column++) values[column] = group[column][row];
      const fault = rows.add(cells.write(values), cells.starts, cells.ends, rowStart + row + 1);
      if (fault !== undefined) rows.reject(fault, rowStart + row + 1);
    }
    read += packed[k];
    watch.onProgress?.(
      read,
      packed.reduce((sum, size) => sum + size, 0),
    );
  }
}

/** What the file says of itself at its end. */
async function readFooter(file: AsyncBuffer): Promise<{ metadata: FileMetaData; columns: SchemaTree[] }> {
  const metadata = await parquetMetadataAsync(file, { parsers: PARSERS, geoparquet: false });
  const columns = parquetSchema(metadata).children;
  const nRows = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (nRows !== metadata.num_rows) throw new RangeError('a row group is missing');
  if (columns.some(({ element }) => typeof element.name !== 'string')) throw new TypeError('a column has no name');
  return { metadata, columns };
}

/** A part of the file. Several may be asked for at once, and only the first that fails is waited for. */
function sliceOf(bytes: Bytes, start: number, end: number): Promise<ArrayBuffer> {
  const part = bufferOf(bytes, start, end);
  part.catch(() => undefined);
  return part;
}

async function bufferOf(bytes: Bytes, start: number, end: number): Promise<ArrayBuffer> {
  if (!(start >= 0 && start <= end && end <= bytes.size)) throw new RangeError('it is cut short');
  const part = await bytes.slice(start, end);
  const isWhole = part.byteLength === part.buffer.byteLength && part.buffer instanceof ArrayBuffer;
  return isWhole ? (part.buffer as ArrayBuffer) : new Uint8Array(part).buffer;
}

/** @throws DataError if the column cannot be what it was taken for */
function checkColumn(columns: readonly SchemaTree[], position: number, role: (typeof ROLES)[number], label: string): void {
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

function isTime({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  if (type === 'INT96' && converted === undefined) return true;
  return converted === 'DATE' || converted?.startsWith('TIMESTAMP_') === true || logical?.type === 'TIMESTAMP' || logical?.type === 'DATE';
}

/** Bytes of the columns in each row group, packed. */
function groupSizes({ row_groups: groups }: FileMetaData, names: readonly string[]): number[] {
  return groups.map(({ columns }) => {
    const needed = columns.filter(({ meta_data: data }) => names.includes(data?.path_in_schema[0] ?? ''));
    return needed.reduce((sum, { meta_data: data }) => sum + Number(data!.total_compressed_size), 0);
  });
}

/** What unpacks the codecs of a file, if hyparquet itself does not. */
async function compressorsFor({ row_groups: groups }: FileMetaData, label: string): Promise<object> {
  const codecs = new Set(groups.flatMap(({ columns }) => columns.map(({ meta_data: data }) => data?.codec ?? 'UNCOMPRESSED')));
  if ([...codecs].every((codec) => PLAIN_CODECS.includes(codec))) return {};
  const { compressors } = await import('hyparquet-compressors');
  const unknown = [...codecs].find((codec) => codec !== 'UNCOMPRESSED' && !(codec in compressors));
  if (unknown !== undefined) throw new DataError(`Its pages are packed by ${clip(String(unknown))}, which is not read.`, { file: label });
  return { compressors };
}

/** What hyparquet gives; where it fails, the file is at fault. */
async function readable<T>(result: Promise<T>, label: string): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof DataError) throw error;
    // Bytes that make no sense end in errors of the language, whose words are about hyparquet.
    if (error instanceof TypeError || error instanceof RangeError) throw damaged(label, error);
    const reason = clip((error as Error).message.split('\n', 1)[0].replace(/\.$/, ''));
    throw new DataError(`The Parquet file cannot be read: ${reason}.`, { file: label }, { cause: error });
  }
}

function damaged(label: string, cause?: unknown): DataError {
  return new DataError('The Parquet file is damaged or cut short.', { file: label }, { cause });
}
