/** Bytes for readers of packed files. */
import { readRatings } from '../../src/node/ratings/ratings-file.js';
import { parseRatings, type ParseRatingsOptions } from '../../src/read/parse-ratings.js';
import type { RatingsFile } from '../../src/read/ratings-file.js';
import { put } from './ratings-files.js';

/** The bytes as a stream whose pieces have the sizes given, in turn. */
export function streamed(bytes: Uint8Array, sizes: readonly number[]): ReadableStream<Uint8Array> {
  let [at, k] = [0, 0];
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, (at += sizes[k++ % sizes.length])));
    },
  });
}

export const blobOf = (bytes: Uint8Array): Blob => new Blob([bytes as Uint8Array<ArrayBuffer>]);

/** What each way to read the bytes gives: the ratings, or the error; messages call them the same. */
export async function readEveryWay(bytes: Uint8Array, options: ParseRatingsOptions = {}, sizes = [3]): Promise<(RatingsFile | string)[]> {
  const name = await put('every-way', bytes);
  const reading = [
    parseRatings(blobOf(bytes), { ...options, name }),
    parseRatings(bytes, { ...options, name }),
    parseRatings(streamed(bytes, sizes), { ...options, name }),
    readRatings(name, options),
  ];
  return Promise.all(reading.map((file) => file.then((found) => ({ ...found, name }), String)));
}
