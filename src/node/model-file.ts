import { readFile } from 'node:fs/promises';
import { CollabModel } from '../collab-model.js';
import { FileFormatError } from '../errors.js';
import type { Gpu } from '../gpu/device.js';
import { CollabLearner } from '../learner.js';
import { encodeModel, loadModel, type TrainingConfig, trainingConfig } from '../model-file.js';
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
export async function loadModelFile(path: string, options: { gpu?: Gpu | GPUDevice } = {}): Promise<CollabModel> {
  const bytes = await readFile(path);
  const gpu = options.gpu ?? (await openGpu()).gpu;
  try {
    return await loadModel(bytes, gpu);
  } catch (error) {
    if (error instanceof FileFormatError) throw new FileFormatError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
