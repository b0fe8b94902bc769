/** Writes to what is no plain file: devices, FIFOs, sockets, files that are open already. */
import { constants, write } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from './target.js';

/** Bytes in their order, there already or made while they are written. */
type Pieces = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** Bytes that are written at once: Node refuses 2 GiB. */
const PIECE = 2 ** 30;

/** Milliseconds between two looks at a FIFO that is full, or that nobody reads yet. */
const PAUSE = 20;

/** Writes pieces to a target that is no plain file. To a FIFO that nobody reads, as soon as somebody does. */
export async function send(target: Exclude<Target, { kind: 'file' }>, pieces: Pieces): Promise<void> {
  if (target.kind === 'socket') return sendToSocket(target.path, pieces);
  if (target.kind === 'descriptor') return writeAll(target.fd, pieces);
  const file = await openToWrite(target);
  try {
    await writeAll(file.fd, pieces);
  } finally {
    await file.close();
  }
}

/** Opens a device or FIFO. Without O_NONBLOCK, a FIFO that nobody reads would hold up one of Node's few threads, even at its exit. */
async function openToWrite({ path, found }: Target & { kind: 'stream' }): Promise<FileHandle> {
  for (;;) {
    try {
      return await open(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || !found.isFIFO()) throw error;
      await sleep(PAUSE);
    }
  }
}

async function writeAll(fd: number, pieces: Pieces): Promise<void> {
  for await (const bytes of pieces) {
    for (let at = 0; at < bytes.length;) {
      try {
        at += (await promisify(write)(fd, bytes, at, Math.min(PIECE, bytes.length - at), null)).bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await sleep(PAUSE);
      }
    }
  }
}

async function sendToSocket(path: string, pieces: Pieces): Promise<void> {
  await pipeline(Readable.from(pieces), connect(path));
}
