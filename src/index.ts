/**
 * dotbias: fastai's collaborative filtering on WebGPU. This entry runs in any browser with WebGPU and in Node;
 * `dotbias/node` adds what needs Node: opening a device, reading rating files, saving and loading.
 */
export { CollabData, type CollabDataOptions, type RatingColumns, type RatingRow, type Ratings } from './data/collab-data.js';
export { type Id, IdMap, NA } from './data/ids.js';
export {
  collabLearner,
  CollabLearner,
  type EpochRecord,
  type FitOptions,
  type LearnerOptions,
  type LrFindOptions,
  type OneCycleFitOptions,
  type History,
  type Defaults,
} from './train/learner.js';
export { CollabModel, type ModelInfo } from './answer/collab-model.js';
export type { UnknownIds } from './model/rows.js';
export type { Exclude, Recommendation, RecommendAllOptions, Recommendations, RecommendOptions, TopLists } from './answer/recommend.js';
export {
  FoldedUser,
  FoldedUsers,
  type Contribution,
  type FoldedRecommendOptions,
  type FoldInOptions,
  type GivenRating,
} from './answer/fold-in.js';
export type { ItemBias, SideOptions, SimilarItem, Similarity, SimilarOptions, SimilarUser, UserBias } from './answer/similar.js';
export { EmbeddingTables, RowLayout, type ModelShape, type ModelState, type Tables } from './model/tables.js';
export { Trainer, Validator, type FitHooks, type Validation } from './train/trainer.js';
export type { StepperName, StepOptions, Stepper } from './steps/stepper.js';
export { ReferenceTrainer, type ReferenceOptions } from './reference/trainer.js';
export * from './schedule/schedule.js';
export * from './schedule/lr-finder.js';
export { SmoothLoss } from './schedule/smooth.js';
export * from './train/callbacks.js';
export { dataFingerprint, decodeCheckpoint, encodeCheckpoint, resumeWarnings, type Checkpoint } from './train/checkpoint.js';
export * from './data/protocols.js';
export * from './evaluate/evaluate.js';
export { VERSION } from './base/version.js';
export * as metrics from './evaluate/metrics.js';
export { plantedRatings, type PlantedOptions, type PlantedRatings } from './data/planted.js';
export { fillInitial, fillPermutation, hash32, permutationKey, permute, STREAM } from './base/random.js';
export { readSafetensors, writeSafetensors, type SafetensorsFile, type Tensor } from './base/safetensors.js';
export {
  decodeModel,
  encodeModel,
  loadModel,
  trainingConfig,
  writeModel,
  type DecodedModel,
  type EncodeOptions,
  type TrainingConfig,
} from './files/model-file.js';
export { importWeights, type ImportOptions } from './files/import-weights.js';
export { checkOp } from './train/check-op.js';
export * from './base/errors.js';
export { Gpu, type CalibrationStore, type DeviceInfo, type GpuOptions } from './gpu/gpu.js';
export {
  defineKernel,
  kernelSource,
  type BufferFields,
  type ImmediateMode,
  type Kernel,
  type KernelInput,
  type ScalarFields,
  type ScalarType,
} from './gpu/kernel.js';
export { type Binding, type Pipeline } from './gpu/pipeline.js';
export { type Recorder } from './gpu/recorder.js';
export { f32, wgsl } from './gpu/wgsl.js';
export { adam, rateOf, type OptimizerOp, type Rate } from '../shaders/ops/adam.js';
export { mse, type LossOp } from '../shaders/ops/loss.js';
export { sigmoidRange, type RangeOp } from '../shaders/ops/range.js';
