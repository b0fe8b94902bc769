/** The Node entry: all of the core, and what needs Node: a device, rating files, MovieLens, saving and loading. */
import type { CollabData } from './collab-data.js';
import { collabLearner as coreLearner, type CollabLearner, type LearnerOptions } from './learner.js';
import { openGpu } from './node/device.js';

export * from './index.js';
export { listAdapters, openAdapter, type AdapterReport, type OpenAdapterOptions, type OpenedAdapter } from './node/adapter.js';
export { openGpu, type OpenedGpu, type OpenGpuOptions } from './node/device.js';
export * from './node/default-data.js';
export * from './node/ratings-file.js';
export * from './node/checkpoint-dir.js';
export * from './node/sweep-dir.js';
export { readMovieLensFolds, type MovieLensFolds } from './node/movielens-folds.js';
export { writeFileAtomic } from './node/files.js';
export { loadModelFile, readModelFile, saveModel } from './node/model-file.js';
export { itemMap, itemPca, type ItemPca, type MapPoint } from './node/pca.js';
export * from './node/plots.js';

/** As in the core, but without `gpu` it opens the best adapter of this machine, see `openGpu`. */
export async function collabLearner(data: CollabData, options: LearnerOptions = {}): Promise<CollabLearner> {
  return coreLearner(data, { ...options, gpu: options.gpu ?? (await openGpu()).gpu });
}
