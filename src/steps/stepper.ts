import type { LossOp } from '../../shaders/ops/loss.js';
import type { OptimizerOp } from '../../shaders/ops/adam.js';
import type { EmbeddingTables } from '../model/tables.js';
import type { Ratings } from '../data/collab-data.js';
import type { Schedule } from '../schedule/schedule.js';

/** What decides a training step, apart from the schedule. */
export interface StepOptions {
  readonly batchSize: number;
  /** Predictions lie in this range through a sigmoid; null leaves the raw score. */
  readonly yRange: readonly [lo: number, hi: number] | null;
  readonly loss: LossOp;
  readonly optimizer: OptimizerOp;
  /** Decoupled weight decay of the factors and of the biases. */
  readonly wd: number;
  readonly wdBias: number;
  readonly beta2: number;
  readonly eps: number;
}

/** What a stepper is made from. */
export interface StepperInput {
  readonly model: EmbeddingTables;
  readonly train: Ratings;
  readonly options: StepOptions;
  /** The most steps of one `run`. */
  readonly maxSteps: number;
}

/** A way to make training steps. All give the same numbers, up to rounding. */
export interface Stepper {
  readonly name: StepperName;
  /** Sets the schedule of the steps to come; `stepCount` is the number of steps that the optimiser has already made. */
  begin(schedule: Schedule, stepCount: number): void;
  /**
   * Submits steps `step` to `step + nSteps - 1` of the schedule, on the batches `batch` and following of an epoch with
   * the given order of training rows. On return the work is queued, not done.
   */
  run(order: Uint32Array, batch: number, step: number, nSteps: number): void;
  /** Batch losses of the last `run`, one per step; the copy is queued at once, before any later `run`. */
  readLosses(nSteps: number): Promise<Float32Array>;
  release(): void;
}

/** `unfused`: four kernels forward; `dense`: one; `lazy`: the touched rows only; `persistent`: these, many steps in a dispatch. */
export type StepperName = 'unfused' | 'dense' | 'lazy' | 'persistent';

/** Copies of the parameters that a stepper needs, see EmbeddingTables. */
export const copiesOf = (stepper: StepperName): 1 | 2 => (stepper === 'lazy' || stepper === 'persistent' ? 2 : 1);
