/** Bytes to read: at any place, as those of a file, or one after the other, as they come. */
import { show } from '../base/check.js';
import { DataError } from '../base/errors.js';

/** Bytes that can be read at any place. */
export interface Bytes {
  readonly size: number;
  /** The bytes from `start` to `end`, both within `size`. */
  slice(start: number, end: number): Promise<Uint8Array>;
}

/** Who is told of the reading, and who may end it. */
export interface ReadWatch {
  /**
   * Called as bytes are read, with those so far and in total: of a zip archive those of the file in it, as they are packed;
   * `total` is undefined for a stream.
   */
  onProgress?: ((bytes: number, total: number | undefined) => void) | undefined;
  /** Ends the reading, which then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Bytes that are read at once. */
const CHUNK = 1 << 18;
/** The most bytes of a stream that are kept where they are needed at any place. */
const MAX_KEPT = 2 ** 30;

export function bytesOf(source: Blob | Uint8Array, label: string): Bytes {
  if (source instanceof Uint8Array) {
    return { size: source.length, slice: (start, end) => Promise.resolve(source.subarray(start, end)) };
  }
  const slice = async (start: number, end: number): Promise<Uint8Array> => {
    try {
      return new Uint8Array(await source.slice(start, end).arrayBuffer());
    } catch (error) {
      // The file behind it was changed, moved or locked.
      throw new DataError(`The file cannot be read (${(error as Error).name}).`, { file: label }, { cause: error });
    }
  };
  return { size: source.size, slice };
}

/** The bytes from `start` to `end`, one after the other. While one chunk is used, the next is read. */
export async function* chunksOf(bytes: Bytes, start = 0, end = bytes.size): AsyncGenerator<Uint8Array> {
  const chunkAt = (at: number) => {
    const chunk = at < end ? bytes.slice(at, Math.min(end, at + CHUNK)) : undefined;
    chunk?.catch(() => undefined); // whoever takes it is told
    return chunk;
  };
  let coming = chunkAt(start);
  for (let at = start; coming !== undefined; at += CHUNK) {
    const chunk: Uint8Array = await coming;
    coming = chunkAt(at + CHUNK);
    yield chunk;
  }
}

/** The same chunks, while somebody watches. */
export async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  total: number | undefined,
  { onProgress, signal }: ReadWatch,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  signal?.throwIfAborted();
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk;
    bytes += chunk.length;
    onProgress?.(bytes, total);
  }
  signal?.throwIfAborted();
}

/** What a stream holds, to be read at any place. @throws DataError if it is too much to be kept in memory */
export async function keptBytes(chunks: AsyncIterable<Uint8Array>, label: string): Promise<Bytes> {
  const kept: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_KEPT) {
      const problem = 'More than 1 GiB of this is needed at once, and it comes as a stream; unpack it, or give the file itself.';
      throw new DataError(problem, { file: label });
    }
    kept.push(chunk as Uint8Array<ArrayBuffer>);
  }
  return bytesOf(new Blob(kept), label);
}

/** The chunks of a stream, which is given up if not all of them are taken, or the signal is aborted. */
export async function* chunksOfStream(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  const giveUp = (): Promise<void> => reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return;
      if (!(value instanceof Uint8Array)) throw new TypeError(`A stream of ratings gives Uint8Arrays, not ${show(value)}.`);
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await giveUp();
  }
}

/**
 * Closes what is behind a source of chunks, however much of it was taken. It is not waited for, since a source that was asked
 * for more closes only when that has come.
 */
export function close(chunks: AsyncIterator<Uint8Array>): void {
  chunks.return?.(undefined).catch(() => undefined);
}
