import { stat } from 'node:fs/promises';
import type { CollabModel } from '../../answer/collab-model.js';
import { checkOptions, checkWhole } from '../../base/check.js';
import {
  type DecodedModel,
  decodeModel,
  type EncodeOptions,
  loadModel,
  type LoadOptions,
  type ModelOps,
  modelPieces,
  trainingConfig,
} from '../../files/model-file.js';
import { parameterBytes } from '../../model/layout.js';
import { CollabLearner } from '../../train/learner.js';
import { openOwnGpu } from '../device/device.js';
import { ALONE } from '../../base/ring.js';
import { writeFileAtomic } from '../disk/files.js';
import { readSavedFile } from './saved-file.js';
import { readShardedModel, saveSharded } from './sharded-model.js';
import { onFirst } from './together.js';

/**
 * Writes a model to a safetensors file, whole or not at all, see `writeFileAtomic`. A new file that holds ratings, which
 * are personal data, can be read by its owner alone (mode 0600); one that is there keeps its permissions.
 *
 * Of a model on several ranks every rank calls it: rank 0 gathers one file, and in several files each rank writes those of its blocks.
 *
 * @param options.training what the file notes about the training. Default: the `trainingConfig` of a learner, and nothing
 *   for another model
 * @param path of the file; or of a folder, with a slash at its end, for a model in several files with an index, see docs/files.md
 * @param options.ratings whether the file holds the training ratings, see `EncodeOptions`. Default true
 * @throws DotbiasError if the model is not finite, RangeError if it is too large for one file, or the file system's error
 */
export async function saveModel(model: CollabModel, path: string, options: SaveOptions = {}): Promise<void> {
  checkOptions('saveModel', options, ['training', 'ratings', 'shardBytes']);
  const { training = model instanceof CollabLearner ? trainingConfig(model) : {}, ratings, shardBytes = MAX_FILE_BYTES } = options;
  checkWhole('shardBytes', shardBytes);
  if (isFolderName(path)) return saveSharded(model, path, { training, ratings }, shardBytes);
  const bytes = parameterBytes(model.embeddings.shape);
  if (bytes > shardBytes) throw new RangeError(`${path}: ${tooLarge(bytes, shardBytes)}`);
  const personal = model.info.train !== undefined && ratings !== false;
  const pieces = await modelPieces(model, { training, ratings });
  await onFirst(model.embeddings.ring ?? ALONE, () => writeFileAtomic(path, pieces!, { mode: personal ? 0o600 : undefined }));
}

/** How a model is saved. */
export interface SaveOptions extends EncodeOptions {
  /** Bytes of the largest file that is written, ratings aside. Default 2 GiB, beyond which many programs read no file. */
  shardBytes?: number | undefined;
}

/** See `SaveOptions`. */
export const MAX_FILE_BYTES = 2 ** 31;

/** Whether a path names a folder, for a model in several files. */
export const isFolderName = (path: string) => /[/\\]$/.test(path);

/** Why a model is not written as one file. */
export function tooLarge(bytes: number, limit = MAX_FILE_BYTES): string {
  const remedy = 'name a folder, with a slash at its end, for a model in several files';
  return `The tables take ${bytes} bytes, and one file may have ${limit}: ${remedy}.`;
}

/**
 * Loads a model that `saveModel` wrote.
 *
 * @param options.gpu the device to load it to. Default: one on the best adapter of this machine, see `openGpu`, opened for
 *   this model
 * @param options.score and `options.range`: the ops that the model was made with, if they are not among ours
 * @throws FileFormatError, which names the file, if it holds no model or one made with an op that was not given;
 *   DotbiasError if there is no such file; MemoryBudgetError if the model does not fit; the file system's error
 */
export async function loadModelFile(path: string, options: LoadOptions = {}): Promise<CollabModel> {
  checkOptions('loadModelFile', options, ['gpu', 'score', 'range']);
  const { gpu, ...ops } = options;
  return loadModel(await readModelFile(path, ops), { gpu }, openOwnGpu);
}

/** Reads and checks a model file, without a device. @throws FileFormatError and the file system's error, as `loadModelFile` */
export async function readModelFile(path: string, ops: ModelOps = {}): Promise<DecodedModel> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return readShardedModel(path, ops);
  return readSavedFile(path, (bytes) => decodeModel(bytes, ops), "Name a model that saveModel or 'dotbias train --out' wrote.");
}
