/**
 * The package `dotbias-node`: all of the core, and what needs Node: a device, rating files, MovieLens, saving and loading.
 *
 * @module dotbias-node
 */
import { collabLearner as makeInCore } from './train/make-learner.js';
import type { CollabModel } from './answer/collab-model.js';
import type { CollabData } from './data/collab-data.js';
import { type DecodedModel, loadModel as loadInCore, type LoadOptions } from './files/model-file.js';
import type { FetchOptions } from './files/fetch-model.js';
import { calibrationFile } from './node/device/calibrations.js';
import { openOwnGpu } from './node/device/device.js';
import { type CollabLearner } from './train/learner.js';
import type { LearnerOptions } from './train/options.js';

export * from './index.js';
export { listAdapters, openAdapter, type AdapterReport, type OpenAdapterOptions, type OpenedAdapter } from './node/device/adapter.js';
export { threadsFor } from './node/device/threads.js';
export { openGpu, type OpenedGpu, type OpenGpuOptions } from './node/device/device.js';
export * from './node/ratings/default-data.js';
export { readRatings, readSplit, type ReadRatingsOptions } from './node/ratings/ratings-file.js';
export { prepareRatings, type PreparedReport, type PrepareOptions, type PrepareStage } from './node/ratings/prepare.js';
export { isPrepared, openPrepared, Prepared, type PreparedContent, type PreparedRatings } from './node/ratings/prepared.js';
export type { PreparedManifest, PreparedPart, PreparedSide } from './node/ratings/manifest.js';
export { CheckpointDir, type CheckpointDirOptions, type Newest } from './node/files/checkpoint-dir.js';
export type { NewestBlocks } from './node/files/save-blocks.js';
export * from './node/files/sweep-dir.js';
export type { TransferOptions } from './node/ratings/download.js';
export { downloadMovieLens, type DownloadedMovieLens, type DownloadOptions } from './node/ratings/movielens.js';
export { MOVIELENS, type MovieLensName, type MovieLensSet } from './node/ratings/movielens-sets.js';
export { readMovieLensFolds, type GivenFold, type MovieLensFolds } from './node/ratings/movielens-folds.js';
export { writeFileAtomic, type WriteOptions } from './node/disk/files.js';
export type { FolderLock, LockOptions } from './node/disk/lock.js';
export { loadModelFile, readModelFile, saveModel, type SaveOptions } from './node/files/model-file.js';
export { serveModel, type ModelServer, type ServeOptions } from './node/serve/serve-model.js';
export { exportModel, type ExportOptions } from './node/export/export-model.js';
export { tensorBoard, type TensorBoardOptions } from './node/track/tensorboard.js';
export { plotSvg, type PlotSvgOptions } from './node/plots/svg.js';
export * as notebook from './node/plots/notebook.js';

/**
 * As in the core, but without `gpu` it opens the best adapter of this machine, see `openGpu`, with the threads of `threadsFor`;
 * what 'auto' measures is kept in the cache folder.
 */
export function collabLearner(data: CollabData, options: LearnerOptions = {}): Promise<CollabLearner> {
  return makeInCore(data, { ...options, calibrations: options.calibrations ?? calibrationFile() }, openOwnGpu);
}

/** As in the core, but without `gpu` it opens the best adapter of this machine, see `openGpu`. */
export function loadModel(file: Uint8Array | DecodedModel | string | URL, options: LoadOptions & FetchOptions = {}): Promise<CollabModel> {
  return loadInCore(file, options, openOwnGpu);
}
