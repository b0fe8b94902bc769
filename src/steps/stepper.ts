import type { LossOp } from '../../shaders/ops/loss.js';
import type { OptimizerOp } from '../../shaders/ops/optimizer.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import type { Ratings } from '../data/collab-data.js';
import type { Rounds, RoundSteps } from '../data/rounds.js';
import type { EmbeddingTables } from '../model/tables.js';
import type { Schedule } from '../schedule/schedule.js';

/** What decides a training step, apart from the schedule. */
export interface StepOptions {
  readonly batchSize: number;
  readonly score: ScoreOp;
  readonly range: RangeOp;
  readonly loss: LossOp;
  readonly optimizer: OptimizerOp;
  /** Decoupled weight decay of the factors and of the biases. */
  readonly wd: number;
  readonly wdBias: number;
  /** The most steps of a submission, where it is not to follow from sizes. */
  readonly stepsPerSubmission?: number | undefined;
}

/** What a stepper is made from. */
export interface StepperInput {
  readonly tables: EmbeddingTables;
  readonly train: Ratings;
  readonly options: StepOptions;
  /** The most steps of one `run`. */
  readonly maxSteps: number;
  /** Where batches are to be made. Default 'host'; only lazy steps can have them made on the device. */
  readonly batches?: BatchesOn | undefined;
  /** The rounds of training in strata, as far as they are of this part; the segments of a step are then its user blocks. */
  readonly rounds?: Rounds | undefined;
}

/** Where batches are made: by the host, or by the device itself. */
export type BatchesOn = 'host' | 'device';

/** The batches of consecutive steps. */
export interface Batches {
  /** Training rows, in the order of an epoch; made when they are first asked for. */
  readonly order: Uint32Array;
  /** Of the permutation (`permute`) that the order is, if it is one. */
  readonly key?: number | undefined;
  /** Step s takes the rows order[start[s]] to order[start[s + 1] - 1], at most a batch and perhaps none. */
  readonly start: Uint32Array;
  /**
   * Where each step's ratings come in n segments that have no user in common: the i-th of step s begins at segments[s n + i], and
   * ends where the next begins. Default: a step is one segment, and this `start`.
   */
  readonly segments?: Uint32Array | undefined;
  /** Of rounds in strata: which steps of which round these are. The rest is then made only if it is asked for. */
  readonly round?: RoundSteps | undefined;
}

/** A way to make training steps. All of ours give the same numbers, up to rounding. */
export interface Stepper {
  /** For reports and checkpoints: a fit can be resumed only with a stepper of the same name. */
  readonly name: string;
  /** Where batches are made, for reports and checkpoints. Default 'host'. */
  readonly batches?: BatchesOn | undefined;
  /** What else is to be said of how steps are made, in sentences. */
  readonly note?: string | undefined;
  /** For checkpoints: a fingerprint of the code that makes steps. A fit can be resumed only with the same. */
  readonly source?: string | undefined;
  /** Sets the schedule of the steps to come; `stepCount` is the number of steps that the optimiser has already made. */
  begin(schedule: Schedule, stepCount: number): void | Promise<void>;
  /**
   * Tells, while the device works, which batches the next calls of `run` will be given, the first in front: their preparation may
   * begin. Resolves when the first are prepared. `run` may be given others instead, and `begin` forgets them.
   */
  prepare?(coming: readonly Batches[]): void | Promise<void>;
  /**
   * Submits the steps of some batches, from step `step` of the schedule on. In the end the work is queued, not done, and all
   * of it in one submission: anyone who reads the model meanwhile finds it between two steps. Long host work before that lets
   * the event loop turn (`gpu.turn`).
   */
  run(batches: Batches, step: number): void | Promise<void>;
  /**
   * Sums of the losses of the last `run`, for each segment of each step. The copy is queued at once, before any later `run`.
   */
  readLosses(): Promise<Float64Array>;
  /** Gives all memory back; a second time does nothing. */
  release(): void;
}

/** A stepper of your own, and the tables that it needs. */
export interface StepperFactory {
  readonly name: string;
  /** Copies of the parameters: 2 for kernels that read one copy of a row while they write the other. Default 1. */
  readonly nCopies?: 1 | 2 | undefined;
  /** The most steps of one `run`: 1 for a stepper that does something after each. Default: as many as a submission holds. */
  readonly maxSteps?: number | undefined;
  create(input: StepperInput): Promise<Stepper>;
}

/** `unfused`: four kernels forward; `dense`: one; `lazy`: the touched rows only; `persistent`: these, many steps in a dispatch. */
export type StepperName = (typeof STEPPER_NAMES)[number];

/** Names of our steppers. */
export const STEPPER_NAMES = ['unfused', 'dense', 'lazy', 'persistent'] as const;
