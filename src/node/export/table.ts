/**
 * Tables as files that other programs read: rows come block by block, so that no table need fit in memory.
 *
 *     .parquet   whole numbers INT64 (ranks INT32), float32 FLOAT, text UTF8, vectors LIST of FLOAT; packed by Snappy
 *     .csv       a line of names, then a line for each row; quotes as in RFC 4180; a missing text is empty
 *     .jsonl     an object for each row; a missing text is null
 */
import { extname } from 'node:path';
import { writeFileAtomic } from '../disk/files.js';
import type { Block, Column, TableFormat } from './columns.js';

/** Formats by the ending of a file; each is read on demand. */
const FORMATS: Readonly<Record<string, () => Promise<TableFormat>>> = {
  '.parquet': async () => (await import('./parquet.js')).parquetPieces,
  '.csv': async () => (await import('./lines.js')).csvPieces,
  '.jsonl': async () => (await import('./lines.js')).jsonPieces,
};

/** What the name of a table ends with. */
export const TABLE_ENDINGS: readonly string[] = Object.keys(FORMATS);

/** @throws RangeError unless the name of a file ends with that of a format */
export function checkEnding(path: string, endings: readonly string[] = TABLE_ENDINGS): string {
  if (path === '') throw new RangeError('The name of the file to write is empty.');
  const ending = extname(path).toLowerCase();
  if (endings.includes(ending)) return ending;
  const known = [endings.slice(0, -1).join(', '), endings.at(-1)].filter(Boolean).join(' or ');
  throw new RangeError(`${path} ${ending === '' ? 'has no ending' : `ends with ${ending}`}: the format follows from it, use ${known}.`);
}

/**
 * Writes a table whole or not at all, see `writeFileAtomic`, in the format that its name ends with.
 *
 * @throws RangeError for another ending; what `blocks` throws; the file system's error
 */
export async function writeTable(path: string, columns: readonly Column[], blocks: AsyncIterable<Block>): Promise<void> {
  const format = await FORMATS[checkEnding(path)]();
  await writeFileAtomic(path, format(columns, blocks));
}
