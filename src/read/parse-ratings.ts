import { show } from '../base/check.js';
import { bytesOf, chunksOfStream, type ReadWatch } from './bytes.js';
import type { ReadOptions } from './options.js';
import { checkReadOptions, readGroups, type RatingsFile } from './ratings-file.js';
import { readSource } from './read-source.js';

/** How ratings are read from bytes; all optional. */
export interface ParseRatingsOptions extends ReadOptions, ReadWatch {
  /** What the result and messages call the ratings. Default: the name of the `File`, else 'ratings'. */
  name?: string | undefined;
}

/**
 * Reads ratings from bytes, in a page, a worker or Node: what `readRatings` reads from files, by the same rules.
 *
 * A `Blob` (a `File` that was dropped on a page) is read in pieces, so that a zip archive or a large file is never in memory as
 * a whole; a zip archive or Parquet that comes as a stream is. Titles come along with a zip archive of MovieLens.
 *
 * @param source CSV, TSV, `::`-separated, JSON lines, the blocks of the Netflix prize, a list of coordinates (Matrix Market)
 *   or Parquet, gzipped or not; or a zip archive of MovieLens (ml-100k.zip, ml-latest-small.zip, ...), or with one such file
 * @throws DataError as `readRatings`; RangeError for an option out of range, TypeError for one that does not exist, and for a
 *   source that is none; the signal's reason if it is aborted
 */
export async function parseRatings(
  source: Blob | ReadableStream<Uint8Array> | Uint8Array,
  options: ParseRatingsOptions = {},
): Promise<RatingsFile> {
  checkReadOptions('parseRatings', options, ['name', 'onProgress', 'signal']);
  const { name = nameOf(source), signal } = options;
  if (typeof name !== 'string') throw new TypeError(`name must be a text, not ${show(name)}.`);
  const content = source instanceof ReadableStream ? chunksOfStream(unlocked(source), signal) : bytesOf(checked(source), name);
  const read = (rows: Parameters<typeof readSource>[1]) => readSource({ label: name, content }, rows, options, options);
  const [file] = await readGroups([{ name, sources: [read] }], options);
  return file;
}

function nameOf(source: unknown): string {
  const name = (source as { name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' && name !== '' ? name : 'ratings';
}

function checked(source: Blob | Uint8Array): Blob | Uint8Array {
  if (source instanceof Blob || source instanceof Uint8Array) return source;
  throw new TypeError(`parseRatings takes a Blob, a ReadableStream or a Uint8Array, not ${show(source)}.`);
}

function unlocked(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  if (stream.locked) throw new TypeError('The stream is read by somebody else already.');
  return stream;
}
