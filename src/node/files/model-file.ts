import type { CollabModel } from '../../answer/collab-model.js';
import { FileFormatError } from '../../base/errors.js';
import type { Gpu } from '../../gpu/gpu.js';
import { CollabLearner } from '../../train/learner.js';
import { type DecodedModel, decodeModel, encodeModel, type EncodeOptions, loadModel, trainingConfig } from '../../files/model-file.js';
import { openGpu } from '../device/device.js';
import { readBytes, writeFileAtomic } from '../disk/files.js';

/**
 * Writes a model to a safetensors file, whole or not at all.
 *
 * @param options.training noted in the file. Default: a learner's `trainingConfig`, nothing for another model
 * @param options.ratings whether the file holds the training ratings, see `EncodeOptions`. Default true
 * @throws DotbiasError if the model is not finite, or the file system's error
 */
export async function saveModel(model: CollabModel, path: string, options: EncodeOptions = {}): Promise<void> {
  const training = model instanceof CollabLearner ? trainingConfig(model) : {};
  await writeFileAtomic(path, await encodeModel(model, { training, ...options }));
}

/**
 * Loads a model that `saveModel` wrote.
 *
 * @param options.gpu where to. Default: the best adapter of this machine, see `openGpu`
 * @throws FileFormatError naming the file if it is no model, or the file system's error
 */
export async function loadModelFile(path: string, { gpu }: { gpu?: Gpu | GPUDevice } = {}): Promise<CollabModel> {
  const decoded = await readModelFile(path);
  return loadModel(decoded, gpu ?? (await openGpu()).gpu);
}

/** Reads and checks a model file, without a device. Errors as `loadModelFile`. */
export async function readModelFile(path: string): Promise<DecodedModel> {
  const bytes = await readBytes(path);
  try {
    return decodeModel(bytes);
  } catch (error) {
    if (error instanceof FileFormatError) throw new FileFormatError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
