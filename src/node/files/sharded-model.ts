/** Models in several files, in a folder; src/files/sharded-model.ts has the format. */
import { readdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CollabModel } from '../../answer/collab-model.js';
import { DotbiasError, FileFormatError } from '../../base/errors.js';
import { ALONE, type Ring } from '../../base/ring.js';
import { fingerprint } from '../../base/fingerprint.js';
import { readSafetensors, safetensorsPieces, type Tensor } from '../../base/safetensors.js';
import type { DecodedModel, EncodeOptions, ModelOps } from '../../files/model-file.js';
import { numbered, ratedTensors } from '../../files/rated-tensors.js';
import {
  decodeModelIndex,
  encodeModelIndex,
  MODEL_INDEX,
  type ModelIndex,
  type Shard,
  ShardedModel,
  shardTensors,
  tableBytes,
} from '../../files/sharded-model.js';
import { BlockIds } from '../../data/block-ids.js';
import type { TableSide } from '../../model/table-side.js';
import type { ModelTables } from '../../model/tables.js';
import { writeFileAtomic } from '../disk/files.js';
import { makeFolder } from '../disk/folders.js';
import { lockFolder } from '../disk/lock.js';
import { readBytes } from '../disk/read-file.js';
import { inFile, readSavedFile } from './saved-file.js';
import { gatherLists, onFirst, together } from './together.js';

/** Our own files, which have a fingerprint of their content in the name: none is overwritten while an older index needs it. */
const OURS = /^(?:(?:users|items|ratings)-\d{5}|ratings)\.[0-9a-f]{16}\.safetensors$/;
const MAX_INDEX_BYTES = 2 ** 27;

/**
 * Writes a model to a folder, block by block, so that no more than one file of it is in memory at once. The index comes last: until
 * then an older model in the folder stays what it was, and its files go only afterwards. Of a model on several ranks each writes its
 * own blocks, and rank 0 the index.
 *
 * @param shardBytes of the largest file, ratings aside, which have their own
 */
export async function saveSharded(model: CollabModel, path: string, options: EncodeOptions, shardBytes: number): Promise<void> {
  const { embeddings, info } = model;
  const ring = embeddings.ring ?? ALONE;
  const residualVariance = await model.residualVariance();
  if (ring.size > 1) await embeddings.home();
  const lock = await onFirst(ring, async () => {
    await makeFolder(path);
    return lockFolder(await realpath(path));
  });
  try {
    const own = await together(ring, async () => writeShards(model, await realpath(path), options, shardBytes, ring));
    const shards = await gatherLists(ring, own);
    await onFirst(ring, async () => {
      for (const { file } of shards) await checkIsThere(join(path, file));
      const index = encodeModelIndex(embeddings.shape, { ...info, residualVariance, training: options.training }, shards);
      await writeFileAtomic(join(path, MODEL_INDEX), index);
    });
  } finally {
    if (lock) {
      await removeOthers(path).catch(() => undefined);
      lock.release();
    }
  }
}

/** Writes the files of the blocks that this process has, and what it knows of ratings. */
async function writeShards(
  model: CollabModel,
  folder: string,
  { ratings }: EncodeOptions,
  shardBytes: number,
  ring: Ring,
): Promise<Shard[]> {
  const shards: Shard[] = [];
  const add = async (name: string, tensors: Record<string, Tensor>, mode?: number) => {
    const file = `${name}.${fingerprint(...Object.values(tensors).map(({ data }) => data))}.safetensors`;
    // Loaders of Hugging Face ask each file for this format: plain arrays.
    await writeFileAtomic(join(folder, file), safetensorsPieces(tensors, { format: 'pt' }), { mode });
    const nBytes = Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
    shards.push({ file, names: Object.keys(tensors), nBytes });
  };
  const { embeddings, info } = model;
  for (const side of ['user', 'item'] as const) {
    for await (const { k, rows, values } of rowsOf(embeddings, embeddings[`${side}s`], shardBytes, ring)) {
      await add(`${side}s-${numbered(k)}`, shardTensors(info, side, k, rows, values));
    }
  }
  if (ratings === false) return shards;
  // On ranks, each has its own ratings only, or all have all.
  const isShare = info.users instanceof BlockIds;
  const rated = isShare || ring.rank === 0 ? ratedTensors(info, isShare ? ring.rank : undefined) : {};
  if (Object.keys(rated).length > 0) await add(isShare ? `ratings-${numbered(ring.rank)}` : 'ratings', rated, 0o600);
  return shards;
}

/** The rows of a side that this process has, block by block, in pieces of at most so many bytes. Pieces are counted over all ranks. */
async function* rowsOf({ gpu, layout }: ModelTables, side: TableSide, maxBytes: number, { rank, size }: Ring) {
  const most = Math.max(1, Math.floor(maxBytes / (4 * (layout.shape.nFactors + 2) + 16)));
  const perRank = side.blocks.length / size;
  let k = 0;
  for (const [b, block] of side.blocks.entries()) {
    for (let from = 0; from < block.nRows; from += most, k++) {
      if (Math.floor(b / perRank) !== rank) continue;
      const n = Math.min(most, block.nRows - from);
      const packed = await gpu.readFloats(block.buffer, (block.firstRow + from) * layout.rowStride, n * layout.rowStride);
      const rows = side.rowsOf(b)?.slice(from, from + n) ?? Uint32Array.from({ length: n }, (_, i) => from + i);
      yield { k, rows, values: layout.unpackRows(packed) };
    }
  }
}

/** @throws DotbiasError for a file that a rank wrote where rank 0 does not see it */
async function checkIsThere(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isFile() === true) return;
  throw new DotbiasError(`${path} is not there as it was written: the folder of the model must be one that all machines share.`);
}

/** Removes files of ours that the index does not name: of an older model, or of a save that failed. */
async function removeOthers(folder: string): Promise<void> {
  const text = await readIndexText(folder).catch(() => undefined);
  const isGone = text === undefined && (await stat(join(folder, MODEL_INDEX)).catch(() => undefined)) === undefined;
  if (text === undefined && !isGone) return;
  const needed = text === undefined ? new Map<string, unknown>() : decodeModelIndex(text).files;
  for (const name of await readdir(folder)) if (OURS.test(name) && !needed.has(name)) await rm(join(folder, name), { force: true });
}

/**
 * Reads and checks a model that `saveSharded` wrote, without a device.
 *
 * @throws FileFormatError, which names the file, for what is no whole model; DotbiasError if a file is missing, or memory does not
 *   hold the model; the file system's error
 */
export async function readShardedModel(folder: string, ops: ModelOps = {}): Promise<DecodedModel> {
  const path = join(folder, MODEL_INDEX);
  if ((await stat(path).catch(() => undefined)) === undefined) {
    throw new FileFormatError(`${folder}: This is a folder, not a file, and no model in several files: it has no ${MODEL_INDEX}.`);
  }
  const text = await readIndexText(folder);
  const index = inFile(path, decodeModelIndex, text);
  await checkSizes(folder, path, index, ops);
  const model = inFile(path, () => begin(path, index, ops), index);
  for (const file of index.files.keys()) {
    await readSavedFile(join(folder, file), (bytes) => model.add(file, readSafetensors(bytes).tensors), MISSING);
  }
  return inFile(path, () => model.finish(), undefined);
}

const MISSING = 'A file of the model is missing: save it again, or copy its whole folder.';

/** Nothing is allocated for tables that the files do not have. */
async function checkSizes(folder: string, path: string, index: ModelIndex, ops: ModelOps): Promise<void> {
  const needed = inFile(path, () => tableBytes(index, ops), index);
  let nBytes = 0;
  for (const file of index.files.keys()) nBytes += (await stat(join(folder, file)).catch(() => undefined))?.size ?? 0;
  if (nBytes < needed) {
    const all = `${index.files.size} files of it have ${nBytes} bytes in all`;
    throw new FileFormatError(`${path}: The tables of this model take ${needed} bytes, but the ${all}. ${MISSING}`);
  }
}

function begin(path: string, index: ModelIndex, ops: ModelOps): ShardedModel {
  try {
    return new ShardedModel(index, ops);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DotbiasError(
      `${path}: The tables of this model take ${tableBytes(index, ops)} bytes, more than can be held in memory here.`,
      {
        cause,
      },
    );
  }
}

async function readIndexText(folder: string): Promise<string> {
  const path = join(folder, MODEL_INDEX);
  const bytes = await readBytes(path, MISSING, async (_, nBytes) => {
    if (nBytes > MAX_INDEX_BYTES) throw new FileFormatError(`${path}: This is too long for an index: ${nBytes} bytes.`);
  });
  return new TextDecoder().decode(bytes);
}
