import { readFile } from 'node:fs/promises';
import type { CollabModel } from '../collab-model.js';
import { FileFormatError } from '../errors.js';
import type { Gpu } from '../gpu/device.js';
import { CollabLearner } from '../learner.js';
import { type DecodedModel, decodeModel, encodeModel, loadModel, type TrainingConfig, trainingConfig } from '../model-file.js';
import { openGpu } from './device.js';
import { writeFileAtomic } from './files.js';

/**
 * Writes a model to a safetensors file, whole or not at all.
 *
 * @param training noted in the file. Default: a learner's `trainingConfig`, nothing for another model
 * @throws DotbiasError if the model is not finite, or the file system's error
 */
export async function saveModel(
  model: CollabModel,
  path: string,
  training: TrainingConfig = model instanceof CollabLearner ? trainingConfig(model) : {},
): Promise<void> {
  await writeFileAtomic(path, await encodeModel(model, training));
}

/**
 * Loads a model that `saveModel` wrote.
 *
 * @param options.gpu where to. Default: the best adapter of this machine, see `openGpu`
 * @throws FileFormatError naming the file if it is no model, or the file system's error
 */
export async function loadModelFile(path: string, { gpu }: { gpu?: Gpu | GPUDevice } = {}): Promise<CollabModel> {
  const decoded = decode(path, await readFile(path));
  return loadModel(decoded, gpu ?? (await openGpu()).gpu);
}

function decode(path: string, bytes: Uint8Array): DecodedModel {
  try {
    return decodeModel(bytes);
  } catch (error) {
    if (error instanceof FileFormatError) throw new FileFormatError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
