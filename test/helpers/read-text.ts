/** Reads text as the core does, without files. */
import { readGroups, type RatingsFile } from '../../src/read/ratings-file.js';
import { readText } from '../../src/read/read-text.js';
import type { ReadOptions } from '../../src/read/options.js';

/** The bytes, in pieces of `size`. */
export async function* pieces(bytes: Uint8Array, size = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** Reads one text, given as a whole or in pieces of `size` bytes. */
export async function parse(content: string | Uint8Array, options: ReadOptions = {}, size?: number): Promise<RatingsFile> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const [file] = await readGroups([{ name: 'text', sources: [(rows) => readText(pieces(bytes, size), 'text', rows, options)] }], options);
  return file;
}

/** The rows of a text. */
export async function rowsOf(content: string | Uint8Array, options: ReadOptions = {}, size?: number): Promise<unknown[][]> {
  const { users, items, ratings, timestamps } = (await parse(content, options, size)).columns;
  return Array.from(ratings, (rating, k) => [users[k], items[k], rating, ...(timestamps ? [timestamps[k]] : [])]);
}
