/**
 * dotbias: fastai's collaborative filtering on WebGPU. This entry runs in any browser with WebGPU and in Node;
 * `dotbias/node` adds what needs Node: opening a device, reading rating files, saving and loading.
 */
export { CollabData, type CollabDataOptions, type RatingColumns, type RatingRow, type Ratings } from './collab-data.js';
export { type Id, IdMap, NA } from './id-map.js';
export { collabLearner, CollabLearner, type EpochRecord, type FitOptions, type LearnerOptions, type LrFindOptions, type OneCycleFitOptions, type Recipe, type Recorder } from './learner.js';
export { CollabModel, type ModelInfo } from './collab-model.js';
export type { UnknownIds } from './rows.js';
export type { Exclude, Recommendation, RecommendAllOptions, Recommendations, RecommendOptions, TopLists } from './recommend.js';
export { FoldedUser, FoldedUsers, type Contribution, type FoldedRecommendOptions, type FoldInOptions, type GivenRating } from './fold-in.js';
export type { ItemBias, SideOptions, SimilarItem, Similarity, SimilarOptions, SimilarUser, UserBias } from './similar.js';
export { EmbeddingDotBias, RowLayout, type ModelShape, type ModelState, type Tables } from './model.js';
export { Trainer, Validator, type FitHooks, type Validation } from './trainer.js';
export type { PathName, StepOptions, StepPath } from './paths/path.js';
export { ReferenceTrainer } from './reference/trainer.js';
export { constant, lrSweep, oneCycle, type Schedule } from './schedule.js';
export { lrFinderResult, suggest, type LrFinderResult, type LrSuggestions } from './lr-finder.js';
export { SmoothLoss } from './smooth.js';
export * as metrics from './metrics.js';
export { plantedRatings } from './planted.js';
export { fillInitial, fillPermutation, hash32, permutationKey, permute, STREAM } from './random.js';
export { readSafetensors, writeSafetensors } from './safetensors.js';
export { decodeModel, encodeModel, loadModel, trainingConfig, type DecodedModel, type TrainingConfig } from './model-file.js';
export { checkOp } from './check-op.js';
export * from './errors.js';
export { Gpu, type DeviceInfo, type GpuOptions } from './gpu/device.js';
export { defineKernel, kernelSource, type Kernel } from './gpu/kernel.js';
export { f32, wgsl } from './gpu/wgsl.js';
export { adam, rateOf, type OptimizerOp, type Rate } from '../shaders/ops/adam.js';
export { mse, type LossOp } from '../shaders/ops/loss.js';
export { sigmoidRange, type RangeOp } from '../shaders/ops/sigmoid-range.js';
