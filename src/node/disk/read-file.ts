import { type FileHandle, open, stat } from 'node:fs/promises';
import { DotbiasError, FileFormatError } from '../../base/errors.js';

/** Bytes that are read at once: one read of the system ends at 2 GiB. */
const PIECE = 2 ** 30;
/** The longest text that is read: a settings file or a list of ids. */
const MAX_TEXT_BYTES = 2 ** 28;

/** The beginning of a file, of any length. */
export type ReadHead = (nBytes: number) => Promise<Uint8Array>;

/**
 * The whole of a regular file, of any size that memory holds; Node's own `readFile` ends at 2 GiB.
 *
 * @param remedy a sentence for a file that does not exist: what to do
 * @param inspect may look at the file's beginning and its length before the rest is read, and throw
 * @throws FileFormatError for a folder, a device, a pipe or a socket; DotbiasError if there is no such file, or it does not fit
 *   in memory; the file system's error
 */
export async function readBytes(
  path: string,
  remedy: string,
  inspect?: (head: ReadHead, nBytes: number) => Promise<void>,
): Promise<Uint8Array<ArrayBuffer>> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    throw new DotbiasError(`${path}: There is no such file. ${remedy}`, { cause });
  });
  // A pipe would be waited for, and a device need not end.
  if (found.isDirectory()) throw new FileFormatError(`${path}: This is a folder, not a file.`);
  if (!found.isFile()) throw new FileFormatError(`${path}: This is not a regular file: a device, a pipe or a socket cannot be read here.`);
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    await inspect?.((nBytes) => fill(file, path, new Uint8Array(nBytes)), size);
    return fill(file, path, allocate(path, size));
  });
}

/**
 * A text file of at most 256 MiB, as UTF-8; a pipe will do.
 * @throws DotbiasError for a longer one; the file system's error, which always has the path (Node's own lacks it for a folder)
 */
export async function readTextFile(path: string): Promise<string> {
  return withFile(path, (file) => textOf(path, partsOf(file)));
}

async function* partsOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const part = new Uint8Array(2 ** 20);
    const { bytesRead } = await file.read(part);
    if (bytesRead === 0) return;
    yield part.subarray(0, bytesRead);
  }
}

/** As `readTextFile`, of standard input. */
export function readTextOfStdin(): Promise<string> {
  return textOf('standard input', process.stdin);
}

async function textOf(label: string, parts: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  let nBytes = 0;
  for await (const part of parts) {
    all.push(part);
    nBytes += part.length;
    if (nBytes > MAX_TEXT_BYTES) throw new DotbiasError(`${label}: This is too long: at most ${MAX_TEXT_BYTES} bytes are read of a text.`);
  }
  return Buffer.concat(all, nBytes).toString();
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    const file = await open(path);
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? Object.assign(error, { path }) : error;
  }
}

function allocate(path: string, nBytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(nBytes);
  } catch (cause) {
    throw new DotbiasError(`${path}: This file has ${nBytes} bytes, more than can be held in memory here.`, { cause });
  }
}

/** Fills an array with the first bytes of a file. */
async function fill(file: FileHandle, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, bytes.length - at), at);
    if (bytesRead === 0) throw new FileFormatError(`${path}: This file became shorter while it was read.`);
    at += bytesRead;
  }
  return bytes;
}
