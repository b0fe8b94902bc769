/** A fit under way: what callbacks and checkpoints see of it, and what it leaves behind. */
import type { ModelInfo } from '../answer/trained-model.js';
import type { Tensor } from '../base/safetensors.js';
import type { CollabData } from '../data/collab-data.js';
import type { ModelTables } from '../model/tables.js';
import type { Schedule } from '../schedule/schedule.js';
import type { Defaults } from './options.js';
import type { Trainer } from './trainer.js';
import type { Validation } from './validator.js';

/** What a callback or a checkpoint sees of a learner. */
export interface FittedLearner {
  readonly embeddings: ModelTables;
  readonly data: CollabData;
  readonly info: ModelInfo;
  readonly trainer: Trainer;
  readonly history: History;
  readonly defaults: Defaults;
  readonly seed: number;
}

/** A fit under way, as callbacks and checkpoints see it. */
export interface Fit {
  readonly learner: FittedLearner;
  readonly schedule: Schedule;
  /** What the schedule was made from: its policy, epochs, learning rate and so on; and where the learner stood as it began. */
  readonly plan: Readonly<Record<string, unknown>>;
  readonly callbacks: readonly Callback[];
  /** Records of the epochs made, also of those before a resume. */
  readonly records: EpochRecord[];
  /** A callback has ended the fit. */
  stopped: boolean;
}

/** One training step, told when its loss has come back from the device: up to two submissions late. */
export interface StepRecord {
  /** Counts from 0 within a fit. */
  step: number;
  lr: number;
  beta1: number;
  loss: number;
  /** The smoothed loss, this one included. */
  smoothLoss: number;
}

/** The steps whose losses came back from the device together: one submission. The arrays are the receiver's own. */
export interface StepsProgress {
  /** The first of these steps, counted from 0 within the fit or sweep. */
  firstStep: number;
  /** Steps done, these included, and steps there will be. */
  step: number;
  totalSteps: number;
  /** Of each of these steps: its loss, its learning rate, and the smoothed loss after it. */
  losses: Float32Array<ArrayBuffer>;
  lrs: Float64Array<ArrayBuffer>;
  smoothLosses: Float64Array<ArrayBuffer>;
}

/** The progress of a fit. */
export interface FitProgress extends StepsProgress {
  /** The epoch that these steps are of. */
  epoch: number;
  /** The smoothed training loss: the last of `smoothLosses`. */
  trainLoss: number;
}

/** One line of the training table. */
export interface EpochRecord {
  /** Counts from 0 within a fit. */
  epoch: number;
  /** Smoothed training loss, as fastai shows it. */
  trainLoss: number;
  /** Mean loss over the validation set; NaN if it is empty. */
  validLoss: number;
  valid: Validation;
  /** Seconds of training, and of validation. */
  trainSeconds: number;
  validateSeconds: number;
}

/** Everything that a learner's fits left behind, step by step and epoch by epoch. */
export interface History {
  losses: number[];
  smoothLosses: number[];
  lrs: number[];
  beta1s: number[];
  epochs: EpochRecord[];
}

/** Something that is called along a fit. Callbacks are called in the order given, `onEnd` in reverse. */
export interface Callback {
  /**
   * For a callback that decides the result or has a state to keep: what it is, with its options. A fit can be resumed only
   * with the same ones. No two callbacks of a fit may have the same name.
   */
  readonly name?: string | undefined;
  /** Before the first step; a resumed fit has its earlier `records` already. */
  onBegin?(fit: Fit): void | Promise<void>;
  onStep?(step: StepRecord, fit: Fit): void;
  /** After each epoch and its validation; return true to end the fit. */
  onEpoch?(record: EpochRecord, fit: Fit): boolean | void | Promise<boolean | void>;
  /**
   * At the end, however it came: all epochs made, stopped, aborted or failed. Only callbacks whose `onBegin` has
   * succeeded are called, all of them, even if one throws; the first error is thrown on.
   */
  onEnd?(fit: Fit): void | Promise<void>;
  /**
   * What a checkpoint has to hold for this callback to go on, and its way back; such a callback needs a `name`. A file may be
   * of anybody: `loadState` throws an error for a state that cannot be one of this fit, whose `records` are in place.
   */
  saveState?(): Record<string, Tensor>;
  loadState?(state: Readonly<Record<string, Tensor>>, fit: Fit): void;
}
