import { open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { show } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import type { Id } from '../../data/ids.js';
import type { Bytes } from '../../read/bytes.js';
import type { ReadOptions } from '../../read/options.js';
import {
  asSplit,
  checkReadOptions,
  type Group,
  type PieceSink,
  type PiecesRead,
  type RatingsFile,
  type RatingsSplit,
  readGroups,
  readPieces,
} from '../../read/ratings-file.js';
import type { RatingRows } from '../../read/rating-rows.js';
import { readSource } from '../../read/read-source.js';
import { LAYOUTS, layoutOf, parseTitles } from '../../read/titles.js';
import { matching } from './input-files.js';

/** How ratings are read from files; all optional. */
export interface ReadRatingsOptions extends ReadOptions {
  /** The stream to read where the source is `-`. Default: standard input. */
  stdin?: AsyncIterable<Uint8Array | string> | undefined;
}

/** One file to read, or a stream. */
interface NamedSource {
  /** The name that was given: messages use it. */
  label: string;
  path?: string | undefined;
  stream?: AsyncIterable<Uint8Array | string> | undefined;
}

/**
 * Reads ratings.
 *
 * A row is malformed if it has a field too few or too many, if its rating is not a finite number or lies outside
 * `ratingRange`, or if an id is missing or a negative number. Blank lines are ignored, and lines that begin with # or %,
 * unless they are whole rows.
 *
 * @param source a file, gzipped or not: CSV, TSV, `::`-separated (such as MovieLens' ratings.dat), JSON lines, the blocks of
 *   the Netflix prize, a list of coordinates (Matrix Market), or Parquet; a zip archive of MovieLens, or with one such file; a
 *   folder of MovieLens; a pattern such as `part-*.csv`; `-` for standard input; or a list of these, joined in the order given
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

/** Reads ratings piece by piece, in the memory of one: sources, options and errors as for `readRatings`. */
export async function readRatingPieces(sources: readonly string[], options: ReadRatingsOptions, sink: PieceSink): Promise<PiecesRead> {
  checkReadOptions('readRatingPieces', options, ['stdin']);
  return readPieces(await groupOf(sources, options), options, sink);
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
  const sources: NamedSource[] = [];
  for (const name of names) sources.push(...(await findSources(name, options.stdin ?? process.stdin)));
  const first = names[0] === '-' ? 'standard input' : basename(resolve(names[0]));
  return {
    name: names.length === 1 ? first : `${first} and ${names.length - 1} more`,
    sources: sources.map((source) => (rows) => readNamed(source, rows, options)),
  };
}

/** The files that one name stands for. */
async function findSources(name: string, stdin: AsyncIterable<Uint8Array | string>): Promise<NamedSource[]> {
  if (name === '-') return [{ label: 'standard input', stream: stdin }];
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

function fileSource(path: string): NamedSource {
  return { label: path, path };
}

async function* bytesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** Reads one source, whatever it holds, and titles beside it. Nothing of it is ever written to the disk. */
async function readNamed(
  { label, path, stream }: NamedSource,
  rows: RatingRows,
  options: ReadOptions,
): Promise<Map<Id, string> | undefined> {
  if (path === undefined) return readSource({ label, content: bytesOf(stream!) }, rows, options);
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(label, error);
  });
  try {
    const found = await file.stat();
    // A pipe or a device is read as it comes.
    const content = found.isFile() ? placed(file, found.size, label) : file.createReadStream({ highWaterMark: 1 << 20, autoClose: false });
    return (await readSource({ label, content }, rows, options)) ?? (await titlesBeside(path));
  } catch (error) {
    if (error instanceof DataError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw unreadable(label, error);
  } finally {
    await file.close();
  }
}

/** An open file of Node's, as far as it is read here; the declarations of this package name no module of Node. */
interface OpenFile {
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
}

/** The bytes of a file at any place. */
export function placed(file: OpenFile, size: number, label: string): Bytes {
  const slice = async (start: number, end: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(end - start);
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
      if (bytesRead === 0) throw new DataError('The file became shorter while it was read.', { file: label });
      at += bytesRead;
    }
    return bytes;
  };
  return { size, slice };
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
async function titlesBeside(path: string): Promise<Map<Id, string> | undefined> {
  const layout = layoutOf(basename(path, '.gz'));
  if (layout === undefined) return undefined;
  const file = join(dirname(path), layout.titles);
  return (await kindOf(file)) === 'file' ? parseTitles(await readFile(file), layout) : undefined;
}
