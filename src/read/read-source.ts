/** Reads ratings from bytes, whatever these turn out to be: text, gzip, a zip archive or Parquet. */
import { DataError } from '../base/errors.js';
import type { Id } from '../data/ids.js';
import { chooseInArchive } from './archive.js';
import { type Bytes, chunksOf, close, keptBytes, type ReadWatch, watched } from './bytes.js';
import { joined } from './encoding.js';
import type { ReadOptions } from './options.js';
import type { RatingRows } from './rating-rows.js';
import { readText } from './read-text.js';
import { parseTitles } from './titles.js';
import { unpacked } from './unpack.js';
import { zipEntries } from './zip.js';

/** Bytes to read ratings from. */
export interface Source {
  /** What messages call it. */
  label: string;
  /** At any place, as of a file, or as they come. */
  content: Bytes | AsyncIterable<Uint8Array>;
}

/** As often may something be packed: a gzipped table in an archive is packed twice. */
const MAX_PACKED = 3;
/** The most bytes of a file of titles. */
const MAX_TITLES = 2 ** 26;

/**
 * Adds all rows of a source, and returns the titles of the items that lie in it beside the ratings.
 *
 * @throws DataError as `readText`, and for what is damaged, packed in a way that is not read, or no file of ratings
 */
export async function readSource(
  { label, content }: Source,
  rows: RatingRows,
  options: ReadOptions,
  watch: ReadWatch = {},
  packed = 0,
): Promise<Map<Id, string> | undefined> {
  const isPlaced = 'slice' in content;
  const all = isPlaced ? chunksOf(content) : watched(content, undefined, watch);
  const stream = all[Symbol.asyncIterator]();
  try {
    const head = await firstBytes(stream);
    const kind = kindOf(head);
    if (kind !== 'text' && packed === MAX_PACKED) {
      throw new DataError(`This is packed more than ${MAX_PACKED} times; unpack it first.`, { file: label });
    }
    const chunks = isPlaced ? watched(following(head, stream), content.size, watch) : following(head, stream);
    if (kind === 'gzip') return await readSource({ label, content: unpacked(chunks, label) }, rows, options, {}, packed + 1);
    if (kind === 'text') {
      await readText(chunks, label, rows, options, isPlaced ? content.size : undefined);
      return undefined;
    }
    const bytes = isPlaced ? content : await keptBytes(chunks, label);
    const own = isPlaced ? watch : {}; // of a stream, its coming was watched
    if (kind === 'zip') return await readArchive({ label, content: bytes }, rows, options, own, packed);
    const { readParquet } = await import('./parquet.js');
    await readParquet(bytes, label, rows, options, own);
    return undefined;
  } finally {
    close(stream);
  }
}

async function readArchive(
  { label, content }: { label: string; content: Bytes },
  rows: RatingRows,
  options: ReadOptions,
  watch: ReadWatch,
  packed: number,
): Promise<Map<Id, string> | undefined> {
  const entries = await zipEntries(content, label);
  const { ratings, layout, titles, note } = chooseInArchive(
    entries.map(({ name }) => name),
    label,
  );
  if (note !== undefined) rows.notes.push(note);
  const entryOf = (name: string) => entries.find((entry) => entry.name === name)!;
  await readSource({ label: `${label}/${ratings}`, content: entryOf(ratings).gzip(watch) }, rows, options, {}, packed);
  if (layout === undefined || titles === undefined) return undefined;
  const file = `${label}/${titles}`;
  return parseTitles(await wholeOf(unpacked(entryOf(titles).gzip(), file), file), layout);
}

async function wholeOf(chunks: AsyncIterable<Uint8Array>, label: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_TITLES) throw new DataError('The titles have more than 64 MiB.', { file: label });
    parts.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function kindOf(head: Uint8Array): 'text' | 'gzip' | 'zip' | 'parquet' {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const begins = String.fromCharCode(...head.subarray(0, 4));
  if (begins === 'PAR1' || begins === 'PARE') return 'parquet';
  return begins === 'PK\x03\x04' || begins === 'PK\x05\x06' ? 'zip' : 'text';
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
