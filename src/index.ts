/**
 * dotbias: fastai's collaborative filtering on WebGPU. This entry runs in any browser with WebGPU and in Node;
 * the package `dotbias-node` adds what needs Node: opening a device, reading rating files, saving and loading.
 *
 * @module dotbias
 */

// Data
export {
  CollabData,
  type CollabDataOptions,
  type EncodedRatings,
  type RatingColumns,
  type RatingRow,
  type Ratings,
} from './data/collab-data.js';
export type { DuplicateChoice, DuplicateCounts } from './data/duplicates.js';
export { type Id, IdMap, NA } from './data/ids.js';
export {
  type CountSpread,
  type DescribeOptions,
  describeRatings,
  type RatingsDescription,
  type RatingStep,
  type TimeSpan,
} from './data/describe.js';
export type { PopularItem } from './data/popular-items.js';
export { rangeOfRatings } from './data/rating-range.js';
export { randomSplit, type Split, type SplitOptions } from './data/split.js';
export * from './data/protocols.js';
export type { ColumnChoice, ReadOptions } from './read/options.js';
export type { RatingsFile, RatingsSplit, Skipped } from './read/ratings-file.js';
export { parseRatings, type ParseRatingsOptions } from './read/parse-ratings.js';
export type { ReadWatch } from './read/bytes.js';
export { plantedRatings, type PlantedOptions, type PlantedRatings } from './data/planted.js';

// Training
export { collabLearner, type BatchShape } from './train/make-learner.js';
export { CollabLearner, type OneCycleFitOptions, type ShownResult } from './train/learner.js';
export type { LrFindOptions } from './train/lr-find.js';
export type { EpochOrder } from './train/order.js';
export type { Epochs } from './train/epochs.js';
export type { Ring } from './base/ring.js';
export type { Deal } from './data/deal.js';
export type { DataShare, WholeRatings } from './data/share.js';
export type { RoundOrder, Rounds, RoundsPlan, RoundSteps, StrataOptions } from './data/rounds.js';
export { Strata } from './data/strata.js';
export type { CalibrationStore, Defaults, LearnerOptions } from './train/options.js';
export type { Callback, EpochRecord, Fit, FitProgress, FittedLearner, History, StepRecord, StepsProgress } from './train/fit.js';
export type { FitOptions } from './train/run-fit.js';
export type { TrainEvent } from './train/stream.js';
export * from './train/callbacks.js';
export {
  decodeCheckpoint,
  encodeCheckpoint,
  resumeWarnings,
  type BlocksCheckpoint,
  type Checkpoint,
  type CheckpointWriter,
} from './train/checkpoint.js';
export type { BlockEntry, BlocksIndex, BlockSide, ReadBlock } from './train/checkpoint-blocks.js';
export type { CheckpointParts, CheckpointRest, Progress } from './train/checkpoint-parts.js';
export { dataFingerprint, type Settings } from './train/identity.js';
export { Trainer, type FitHooks } from './train/trainer.js';
export { Validator, type Measurement, type Validation } from './train/validator.js';
export { STEPPERS, type Stepping } from './train/choose-stepper.js';
export type { Batches, BatchesOn, StepOptions, Stepper, StepperFactory, StepperInput, StepperName } from './steps/stepper.js';
export { ReferenceTrainer, type ReferenceOptions } from './reference/trainer.js';
export * from './schedule/schedule.js';
export * from './schedule/lr-finder.js';
export { SmoothLoss } from './schedule/smooth.js';

// A trained model
export { CollabModel } from './answer/collab-model.js';
export type { ModelInfo, Pairs, TrainedModel } from './answer/trained-model.js';
export type { PredictOptions, PredictRowsOptions } from './answer/predict.js';
export type { UnknownIds, UnknownUser } from './model/rows.js';
export type { Exclude, Recommendation, RecommendAllOptions, Recommendations, RecommendOptions } from './answer/recommend.js';
export type { TopLists, TopListsBounds } from './answer/top-lists.js';
export {
  FoldedUser,
  type Contribution,
  type FoldedPredictOptions,
  type FoldedRecommendOptions,
  type PredictionsWithSd,
} from './answer/folded-user.js';
export { FoldedUsers } from './answer/folded-users.js';
export type { BatchedModel, BatchedOptions, RecommendForOptions } from './answer/batched.js';
export { UserFolder } from './answer/user-folder.js';
export type { FoldInOptions, GivenRating } from './answer/given-ratings.js';
export type { ItemBias, SideOptions, SimilarItem, Similarity, SimilarOptions, SimilarUser, UserBias } from './answer/similar.js';
export { type Components, type EndItem, ItemPca, itemPca, project } from './answer/pca.js';
export { ItemMap, itemMap, type MapAxis, type MapPoint } from './answer/item-map.js';
export { RowLayout, type ModelShape, type Rows, type Tables } from './model/layout.js';
export { EmbeddingTables, type ModelState, type ModelTables, type TableOptions } from './model/tables.js';
export type { Block, PlacedRows, TableSide } from './model/table-side.js';
export { type Deals, PartedTables } from './model/parted-tables.js';
export {
  decodeModel,
  encodeModel,
  loadModel,
  trainingConfig,
  writeModel,
  type DecodedModel,
  type EncodeOptions,
  type LoadOptions,
  type ModelOps,
  type TrainingConfig,
} from './files/model-file.js';
export type { FetchOptions, SentLoadOptions } from './files/fetch-model.js';
export { importWeights, type ImportOptions } from './files/import-weights.js';

// How good it is
export {
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  type FoldResult,
  meanAndSd,
  memberSeed,
  type RankingOptions,
  type RankingScores,
  type Recipe,
  type RecipeOptions,
  SCORES,
  type Scores,
} from './evaluate/evaluate.js';
export * as metrics from './evaluate/metrics.js';
export {
  type RatingPredictions,
  type ValidPredictions,
  validPredictions,
  type ValidPredictionsOptions,
} from './evaluate/valid-predictions.js';
export { type CountBin, errorByCount, type ResidualOptions, type Residuals, residuals } from './evaluate/residuals.js';

// What plots show
export type * from './plots/plot-data.js';
export { lrPlotData, type LrPlotOptions } from './plots/lr-plot.js';
export { lossPlotData, type LossPlotOptions, schedulePlotData, type SchedulePlotOptions } from './plots/training-plots.js';
export { errorByCountPlotData, predictionPlotData, residualPlotData } from './plots/error-plots.js';
export { popularityPlotData, ratingPlotData } from './plots/ratings-plots.js';
export { itemMapPlotData } from './plots/map-plot.js';
export { thin } from './plots/thin.js';
export { type LabelArea, type LabelledPoint, type LabelPlace, placeLabels } from './plots/labels.js';

// Ops and kernels
export { checkOp } from './train/check-op.js';
export { adam, type AdamOptions } from '../shaders/ops/adam.js';
export { sgd } from '../shaders/ops/sgd.js';
export type { IdleInput, IdleOp, IdleOptions, IdleTable, OptimizerOp, Rate } from '../shaders/ops/optimizer.js';
export { mse, type LossOp } from '../shaders/ops/loss.js';
export { identity, sigmoidRange, type RangeOp } from '../shaders/ops/range.js';
export { dotProduct, type ScoreOp } from '../shaders/ops/score.js';
export { openGpu, type OpenGpuOptions } from './gpu/acquire.js';
export { Gpu, type DeviceInfo, type GpuOptions } from './gpu/gpu.js';
export type { GpuContext } from './gpu/context.js';
export { Scope } from './gpu/scope.js';
export type { Thread } from './gpu/thread.js';
export {
  defineKernel,
  kernelSource,
  read,
  readWrite,
  type Access,
  type BufferFields,
  type BufferType,
  type ImmediateMode,
  type Kernel,
  type KernelInput,
  type Op,
  type ScalarFields,
  type ScalarType,
  type StructBuffer,
} from './gpu/kernel.js';
export { struct, StructArray, type Fields, type FieldType, type FieldValue, type Struct, type StructValue } from './gpu/struct.js';
export type { Binding, Compiled, Pipeline } from './gpu/pipeline.js';
export type { Recorder, RecorderOptions } from './gpu/recorder.js';
export { f32, wgsl } from './gpu/wgsl.js';

// The engine in a worker
export { connectWorker, type Engine, type RemoteLearnerOptions } from './worker/client.js';
export type {
  RemoteData,
  RemoteFitOptions,
  RemoteFoldedUser,
  RemoteFoldedUsers,
  RemoteGpu,
  RemoteLearner,
  RemoteModel,
  RemoteOneCycleFitOptions,
  RemotePlantedRatings,
  RemoteRatings,
  RemoteUserFolder,
} from './worker/exposed.js';

// Foundations
export * from './base/errors.js';
export { fillInitial, fillPermutation, hash32, permutationKey, permute, STREAM } from './base/random.js';
export {
  readSafetensors,
  writeSafetensors,
  type Dtype,
  type SafetensorsFile,
  type SafetensorsLimits,
  type Tensor,
} from './base/safetensors.js';
export { VERSION } from './base/version.js';
