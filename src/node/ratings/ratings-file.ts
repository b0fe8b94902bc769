import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { show } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import type { Id } from '../../data/ids.js';
import { joined } from '../../read/encoding.js';
import type { ReadOptions } from '../../read/options.js';
import { asSplit, checkReadOptions, readGroups, type Group, type RatingsFile, type RatingsSplit } from '../../read/ratings-file.js';
import type { RatingRows } from '../../read/rating-rows.js';
import { readText } from '../../read/read-text.js';
import { LAYOUTS, layoutOf, parseTitles } from '../../read/titles.js';
import { matching } from './input-files.js';
import { readParquet } from './parquet.js';

/** How ratings are read from files; all optional. */
export interface ReadRatingsOptions extends ReadOptions {
  /** The stream to read where the source is `-`. Default: standard input. */
  stdin?: AsyncIterable<Uint8Array | string> | undefined;
}

/** One file or stream to read. */
interface Source {
  /** The name that was given: messages use it, and titles are looked for beside it. */
  label: string;
  /** Absent for a stream. */
  path?: string | undefined;
  open(): AsyncIterable<Uint8Array>;
}

/**
 * Reads ratings.
 *
 * A row is malformed if it has a field too few or too many, if its rating is not a finite number or lies outside
 * `ratingRange`, or if an id is missing or a negative number. Blank lines are ignored, and lines that begin with # or %,
 * unless they are whole rows.
 *
 * @param source a file, gzipped or not: CSV, TSV, `::`-separated (such as MovieLens' ratings.dat), JSON lines, the blocks of
 *   the Netflix prize, a list of coordinates (Matrix Market), or Parquet, which needs `@duckdb/node-api`; a folder of
 *   MovieLens; a pattern such as `part-*.csv`; `-` for standard input; or a list of these, joined in the order given
 * @throws DataError at the first malformed row, with file, line (from 1, the header counted; for Parquet the row), column and
 *   value, and for a file that is missing, empty, binary, or without the columns needed; RangeError for an option out of
 *   range, TypeError for one that does not exist, and for a source that is no name
 */
export async function readRatings(source: string | readonly string[], options: ReadRatingsOptions = {}): Promise<RatingsFile> {
  checkReadOptions('readRatings', options, ['stdin']);
  const [file] = await readFiles([typeof source === 'string' ? [source] : source], options);
  return file;
}

/**
 * Reads ratings that are split already, such as u1.base and u1.test of MovieLens, for `CollabData.fromSplit`. Options and
 * errors as for `readRatings`.
 */
export async function readSplit(trainFile: string, validFile: string, options: ReadRatingsOptions = {}): Promise<RatingsSplit> {
  checkReadOptions('readSplit', options, ['stdin']);
  return asSplit(await readFiles([[trainFile], [validFile]], options));
}

async function readFiles(groups: readonly (readonly string[])[], options: ReadRatingsOptions): Promise<RatingsFile[]> {
  return readGroups(await Promise.all(groups.map((names) => groupOf(names, options))), options);
}

async function groupOf(names: readonly string[], options: ReadRatingsOptions): Promise<Group> {
  const isName = (name: unknown) => typeof name === 'string' && name !== '';
  if (!Array.isArray(names) || !names.every(isName)) {
    const wrong: unknown = Array.isArray(names) ? names.find((name) => !isName(name)) : names;
    throw new TypeError(`A source of ratings is the name of a file or folder, not ${show(wrong)}.`);
  }
  if (names.length === 0) throw new RangeError('readRatings needs the name of a file.');
  const sources: Source[] = [];
  for (const name of names) sources.push(...(await findSources(name, options.stdin ?? process.stdin)));
  const first = names[0] === '-' ? 'standard input' : basename(resolve(names[0]));
  return {
    name: names.length === 1 ? first : `${first} and ${names.length - 1} more`,
    sources: sources.map((source) => (rows) => readSource(source, rows, options)),
    titles: await titlesBeside(sources[0]),
  };
}

/** The files that one name stands for. */
async function findSources(name: string, stdin: AsyncIterable<Uint8Array | string>): Promise<Source[]> {
  if (name === '-') return [{ label: 'standard input', open: () => bytesOf(stdin) }];
  const kind = await kindOf(name);
  if (kind === 'folder') {
    for (const { ratings } of LAYOUTS) {
      const path = join(name, ratings);
      if ((await kindOf(path)) === 'file') return [fileSource(path)];
    }
    throw new DataError(`This is a folder without ${LAYOUTS.map(({ ratings }) => ratings).join(', ')}; name a file in it.`, { file: name });
  }
  if (kind === 'file') return [fileSource(name)];
  const matches = await matching(name);
  if (matches.length === 0) throw new DataError('There is no such file or folder.', { file: name });
  return matches.map(fileSource);
}

function fileSource(path: string): Source {
  return { label: path, path, open: () => createReadStream(path, { highWaterMark: 1 << 20 }) };
}

async function* bytesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** Reads one source, whatever it holds. Nothing of it is ever written to the disk. */
async function readSource({ label, path, open }: Source, rows: RatingRows, options: ReadRatingsOptions): Promise<void> {
  const stream = open()[Symbol.asyncIterator]();
  try {
    const head = await firstBytes(stream);
    const chunks = following(head, stream);
    if (String.fromCharCode(...head.subarray(0, 4)) === 'PAR1') {
      if (path === undefined) throw new DataError('A Parquet file cannot be read from a stream; name the file.', { file: label });
      await readParquet(path, label, rows, options);
    } else if (head[0] === 0x1f && head[1] === 0x8b) {
      await readText(unpacked(chunks), label, rows, options);
    } else await readText(chunks, label, rows, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof DataError || code === undefined) throw error;
    if (code.startsWith('Z_')) throw new DataError('The gzip data are damaged or cut short.', { file: label }, { cause: error });
    throw unreadable(label, error);
  } finally {
    await stream.return?.(); // closes the file, however much of it was read
  }
}

async function* unpacked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const packed = Readable.from(chunks);
  const plain = packed.pipe(createGunzip({ chunkSize: 1 << 18 }));
  packed.once('error', (error) => plain.destroy(error));
  try {
    yield* plain as AsyncIterable<Uint8Array>;
  } finally {
    packed.destroy();
  }
}

/** The first bytes of a stream, at least four where there are as many. */
async function firstBytes(stream: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 4) {
    const { done, value } = await stream.next();
    if (done === true) break;
    head = joined(head, value);
  }
  return head;
}

/** The first bytes again, and what comes after them. */
async function* following(head: Uint8Array, stream: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* { [Symbol.asyncIterator]: () => stream };
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return 'nothing';
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): DataError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return new DataError(`The file cannot be opened (${code}).`, { file: path }, { cause: error });
}

/** Titles from the file beside the ratings, if they belong to a layout of MovieLens. */
async function titlesBeside({ path }: Source): Promise<Map<Id, string> | undefined> {
  const layout = path === undefined ? undefined : layoutOf(basename(path, '.gz'));
  if (path === undefined || layout === undefined) return undefined;
  const file = join(dirname(path), layout.titles);
  return (await kindOf(file)) === 'file' ? parseTitles(await readFile(file), layout) : undefined;
}
