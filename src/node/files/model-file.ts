import type { CollabModel } from '../../answer/collab-model.js';
import { checkOptions } from '../../base/check.js';
import {
  type DecodedModel,
  decodeModel,
  encodeModel,
  type EncodeOptions,
  loadModel,
  type LoadOptions,
  type ModelOps,
  trainingConfig,
} from '../../files/model-file.js';
import { CollabLearner } from '../../train/learner.js';
import { openOwnGpu } from '../device/device.js';
import { writeFileAtomic } from '../disk/files.js';
import { readSavedFile } from './saved-file.js';

/**
 * Writes a model to a safetensors file, whole or not at all, see `writeFileAtomic`. A new file that holds ratings, which
 * are personal data, can be read by its owner alone (mode 0600); one that is there keeps its permissions.
 *
 * @param options.training what the file notes about the training. Default: the `trainingConfig` of a learner, and nothing
 *   for another model
 * @param options.ratings whether the file holds the training ratings, see `EncodeOptions`. Default true
 * @throws DotbiasError if the model is not finite, or the file system's error
 */
export async function saveModel(model: CollabModel, path: string, options: EncodeOptions = {}): Promise<void> {
  const { training = model instanceof CollabLearner ? trainingConfig(model) : {} } = options;
  const personal = model.info.train !== undefined && options.ratings !== false;
  await writeFileAtomic(path, await encodeModel(model, { ...options, training }), { mode: personal ? 0o600 : undefined });
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
  return readSavedFile(path, (bytes) => decodeModel(bytes, ops), "Name a model that saveModel or 'dotbias train --out' wrote.");
}
