/**
 * Checkpoints in blocks, in a folder that many processes write to:
 *
 *     epoch-0003/users-05.safetensors   block 5 of the users, and so on; items-05.safetensors likewise
 *     epoch-0003/rest.safetensors       settings, schedule, history, callbacks
 *     epoch-0003/index.json             which of these make the checkpoint, with their checksums
 *
 * The index is written last, by rename: an epoch's folder without it does not exist, and is removed when the next one is complete.
 * The ranks of a job go through an epoch in three steps, with a barrier after each of the first two:
 *
 *     rank 0    beginEpoch
 *     each      writeBlock, for every block that it holds
 *     rank 0    commitEpoch, with what all calls of writeBlock returned
 *
 * To resume, every rank calls `readEpoch` for one of `completeEpochs`, and `readBlock` for the blocks that it has. All of this together is
 * in save-blocks.ts.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DotbiasError, FileFormatError } from '../../base/errors.js';
import { fingerprint } from '../../base/fingerprint.js';
import {
  type BlockEntry,
  type BlockShape,
  type BlockSide,
  type BlocksIndex,
  decodeBlock,
  decodeIndex,
  encodeBlock,
  encodeIndex,
  maxBlockBytes,
} from '../../train/checkpoint-blocks.js';
import { naming } from '../disk/errors.js';
import { writeFileAtomic } from '../disk/files.js';
import { makeFolder, syncFolder } from '../disk/folders.js';
import { readBytes } from '../disk/read-file.js';
import { inFile, readSavedFile } from './saved-file.js';

const INDEX = 'index.json';
const REST = 'rest.safetensors';
/** The longest index that is read: 65,536 blocks of each side take less. */
const MAX_INDEX_BYTES = 2 ** 24;

/** A complete checkpoint of a folder. */
export interface SavedEpoch {
  index: BlocksIndex;
  /** Content of the file with all the rest. */
  rest: Uint8Array;
  /** Path of the epoch's folder. */
  path: string;
}

/** Makes an epoch's folder, empty. What an earlier run left there goes, its index first. @throws the file system's error */
export async function beginEpoch(dir: string, epoch: number): Promise<void> {
  const path = epochPath(dir, epoch);
  await removeEpoch(dir, epoch);
  await makeFolder(dir);
  await mkdir(path).catch((error: unknown) => {
    throw naming(error, path);
  });
  await syncFolder(dir);
}

/**
 * Writes a block of an epoch, whole or not at all.
 *
 * @param state [arrays, rows, rowStride], as `shape` says
 * @returns what the index needs to know of it
 * @throws the file system's error; a folder that does not exist is not made
 */
export async function writeBlock(
  dir: string,
  epoch: number,
  side: BlockSide,
  block: number,
  state: Float32Array,
  shape: BlockShape,
): Promise<BlockEntry> {
  const { pieces, checksum } = encodeBlock(side, block, state, shape);
  await stat(epochPath(dir, epoch));
  await writeFileAtomic(blockPath(dir, epoch, side, block), pieces);
  return { nRows: shape[1], checksum };
}

/**
 * Completes an epoch whose blocks all ranks have written, and removes what is no longer needed: epochs that were never completed,
 * and complete ones but for the newest `keepLast`.
 *
 * @param index all that is known of the blocks
 * @param rest a safetensors file with all that a checkpoint holds beside them
 * @throws DotbiasError if a block is not there; the file system's error
 */
export async function commitEpoch(dir: string, index: Omit<BlocksIndex, 'rest'>, rest: Uint8Array, keepLast = 2): Promise<void> {
  const { epoch } = index;
  for (const side of ['users', 'items'] as const) {
    for (let block = 0; block < index[side].length; block++) {
      const path = blockPath(dir, epoch, side, block);
      const found = await stat(path).catch(() => undefined);
      const wanted = maxBlockBytes(shapeOf(index, side, block));
      if (found === undefined || found.size > wanted) {
        throw new DotbiasError(`${path} is not there as it was written: the checkpoint folder must be one that all machines share.`);
      }
    }
  }
  await writeFileAtomic(join(epochPath(dir, epoch), REST), rest);
  await writeFileAtomic(join(epochPath(dir, epoch), INDEX), encodeIndex({ ...index, rest: fingerprint(rest) }));
  for (const { epoch: old, path } of await epochFolders(dir)) {
    const isOld = old <= epoch - keepLast;
    if (isOld || (old !== epoch && !(await isComplete(path)))) await removeEpoch(dir, old);
  }
}

/** The epochs of a folder that are complete, ascending; none if there is no folder. */
export async function completeEpochs(dir: string): Promise<number[]> {
  const epochs: number[] = [];
  for (const { epoch, path } of await epochFolders(dir)) if (await isComplete(path)) epochs.push(epoch);
  return epochs;
}

/**
 * An epoch of a folder, its blocks aside.
 * @throws DotbiasError if it is not complete, or damaged; the file system's error
 */
export async function readEpoch(dir: string, epoch: number): Promise<SavedEpoch> {
  const path = epochPath(dir, epoch);
  const index = await readIndex(path, epoch);
  return { index, rest: await readRest(path, index), path };
}

/**
 * A block of a complete epoch, [arrays, rows, rowStride], every value checked.
 * @throws DotbiasError, which names the file, if it is missing or not the one that the index knows; the file system's error
 */
export async function readBlock(dir: string, index: BlocksIndex, side: BlockSide, block: number): Promise<Float32Array<ArrayBuffer>> {
  const path = blockPath(dir, index.epoch, side, block);
  const shape = shapeOf(index, side, block);
  const bytes = await readBytes(path, '', async (_, nBytes) => checkLength(path, nBytes, shape));
  return inFile(path, (content) => decodeBlock(content, side, block, shape, index[side][block].checksum), bytes);
}

const shapeOf = ({ nArrays, rowStride, ...sides }: Omit<BlocksIndex, 'rest'>, side: BlockSide, block: number): BlockShape => [
  nArrays,
  sides[side][block].nRows,
  rowStride,
];

/** A file that is too short or too long is refused before it is read. */
function checkLength(path: string, nBytes: number, shape: BlockShape): void {
  const least = maxBlockBytes(shape) - maxBlockBytes([0, 0, 0]);
  if (nBytes > least && nBytes <= maxBlockBytes(shape)) return;
  throw new FileFormatError(`${path}: A block of the shape [${shape}] takes ${least} bytes and a header, but the file has ${nBytes}.`);
}

async function readIndex(path: string, epoch: number): Promise<BlocksIndex> {
  const file = join(path, INDEX);
  const bytes = await readBytes(file, '', async (_, nBytes) => {
    if (nBytes > MAX_INDEX_BYTES)
      throw new FileFormatError(`${file}: This is too long for an index: ${nBytes} bytes, at most ${MAX_INDEX_BYTES}.`);
  });
  const index = inFile(file, (content) => decodeIndex(new TextDecoder().decode(content)), bytes);
  if (index.epoch !== epoch) throw new FileFormatError(`${file}: This is the index of epoch ${index.epoch}, not ${epoch}.`);
  return index;
}

async function readRest(path: string, index: BlocksIndex): Promise<Uint8Array> {
  const file = join(path, REST);
  const rest = await readSavedFile(file, (bytes) => bytes, '');
  if (fingerprint(rest) !== index.rest) throw new FileFormatError(`${file}: Its content does not fit the checksum in the index.`);
  return rest;
}

const epochPath = (dir: string, epoch: number) => join(dir, `epoch-${String(epoch).padStart(4, '0')}`);

const blockPath = (dir: string, epoch: number, side: BlockSide, block: number) =>
  join(epochPath(dir, epoch), `${side}-${String(block).padStart(2, '0')}.safetensors`);

async function epochFolders(dir: string): Promise<{ epoch: number; path: string }[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const epoch = Number(/^epoch-(\d{4,10})$/.exec(name)?.[1] ?? 0);
      return epoch > 0 && epochPath(dir, epoch) === join(dir, name) ? [{ epoch, path: join(dir, name) }] : [];
    })
    .sort((a, b) => a.epoch - b.epoch);
}

async function isComplete(path: string): Promise<boolean> {
  try {
    return (await stat(join(path, INDEX))).isFile();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return false;
    throw error;
  }
}

/** Removes an epoch, if it is there: its index first, so that a folder half removed is none. @throws the file system's error */
export async function removeEpoch(dir: string, epoch: number): Promise<void> {
  const path = epochPath(dir, epoch);
  await rm(join(path, INDEX), { force: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTDIR') throw error;
  });
  await rm(path, { recursive: true, force: true });
}

/**
 * Leaves a sign in a folder that this run has locked, by which its other machines see whether it is theirs too: `seeToken` on
 * each, then `removeToken`. What killed runs left goes. @throws the file system's error
 */
export async function leaveToken(dir: string): Promise<string> {
  await makeFolder(dir);
  for (const name of await readdir(dir)) if (/^\.token-[0-9a-f]{32}/.test(name)) await rm(join(dir, name), { force: true });
  // A name that nobody has asked for: a network file system may remember for a minute that a file is not there.
  const token = randomBytes(16).toString('hex');
  await writeFile(tokenPath(dir, token), '', { flag: 'wx' });
  return token;
}

/**
 * Makes sure that a folder is the one in which `token` was left, and that this process may write there.
 *
 * @param patience milliseconds in which the file may still appear. Default 5,000
 * @throws DotbiasError if it is another folder; the file system's error
 */
export async function seeToken(dir: string, token: string, patience = 5000): Promise<void> {
  if (!/^[0-9a-f]{32}$/.test(token)) throw new RangeError('A token has 32 hexadecimal digits.');
  for (const until = Date.now() + patience; ; await sleep(patience / 20)) {
    if (await stat(tokenPath(dir, token)).catch(() => undefined)) break;
    if (Date.now() < until) continue;
    throw new DotbiasError(`${dir} is not the folder that rank 0 has by this name: name one that all machines share.`);
  }
  const answer = `${tokenPath(dir, token)}-${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(answer, '', { flag: 'wx' });
  } catch (error) {
    throw naming(error, dir);
  }
  await rm(answer, { force: true });
}

/** Takes the sign away. */
export async function removeToken(dir: string, token: string): Promise<void> {
  await rm(tokenPath(dir, token), { force: true });
}

const tokenPath = (dir: string, token: string) => join(dir, `.token-${token}`);
