import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { naming } from './errors.js';
import { makeFolder, syncFolder } from './folders.js';
import { removeAtExit, removeLeftovers, temporaryPath } from './leftovers.js';
import { send } from './streams.js';
import { cannotBeReplaced, findTarget, type Target } from './target.js';

/**
 * What a file is to hold: bytes, a text, or pieces in their order, so that a file may be larger than any array; pieces that are made
 * while the file is written are asked for once.
 */
export type Content = Uint8Array | string | readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** How `writeFileAtomic` writes. */
export interface WriteOptions {
  /** Permissions of a new file, such as 0o600 for personal data; a file that is there keeps its own. Default: the system's. */
  mode?: number | undefined;
}

/**
 * Writes a file whole or not at all: to a new file in the same folder, which is forced to the disk and then renamed to
 * `path`. A reader finds the old content or the new, never a part, even if the process is killed. Missing folders are made.
 *
 * What is there keeps its nature: of a link its target is written, a file keeps its permissions and, where that is
 * permitted, its owner, a device, FIFO or socket is written to. A file that can be written but not replaced, as one that
 * is mounted by itself, is overwritten in place, which is the one case without the promise above.
 *
 * @param content text is written as UTF-8
 * @throws RangeError for the name of a folder; the file system's error (no permission, disk full), which names `path`;
 *   nothing is left behind
 */
export async function writeFileAtomic(path: string, content: Content, { mode }: WriteOptions = {}): Promise<void> {
  try {
    const target = await findTarget(path);
    if (target.kind === 'file') await replace(target, content, mode);
    else await send(target, piecesOf(content));
  } catch (error) {
    throw naming(error, path);
  }
}

async function replace({ path, found }: Target & { kind: 'file' }, content: Content, mode: number | undefined): Promise<void> {
  const folder = dirname(path);
  const made = await makeFolder(folder);
  await removeLeftovers(folder, basename(path));
  const temporary = temporaryPath(folder);
  const keep = removeAtExit(temporary);
  // What is left to write where the file cannot be replaced: all, or what the temporary file has, or what nobody has any more.
  let left: 'all' | 'copy' | 'none' = 'all';
  try {
    const file = await open(temporary, 'wx', found === undefined ? mode : 0o600);
    try {
      if (found !== undefined) {
        // Who does not own a file cannot give it away. Its group counts for the permissions, so that comes first.
        await file.chown(found.uid, found.gid).catch(() => file.chown(-1, found.gid).catch(() => undefined));
        await file.chmod(found.mode & 0o7777);
      }
      if (isMadeOnce(content)) left = 'none';
      await writePieces(file, content);
      if (isMadeOnce(content)) left = 'copy';
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    if (found === undefined || left === 'none' || !cannotBeReplaced(error)) throw error;
    await overwrite(path, left === 'all' ? content : createReadStream(temporary));
  } finally {
    await rm(temporary, { force: true });
    keep();
  }
  await syncFolder(folder);
  for (const each of made) await syncFolder(dirname(each));
}

async function overwrite(path: string, content: Content): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.truncate(await writePieces(file, content));
    await file.sync();
  } finally {
    await file.close();
  }
}

const isMadeOnce = (content: Content): boolean => typeof content === 'object' && Symbol.asyncIterator in content;

function piecesOf(content: Content): readonly Uint8Array[] | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [Buffer.from(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/** Returns how many bytes were written. */
async function writePieces(file: FileHandle, content: Content): Promise<number> {
  let nBytes = 0;
  for await (const piece of piecesOf(content)) {
    await file.writeFile(piece); // goes on where the piece before ended
    nBytes += piece.length;
  }
  return nBytes;
}
