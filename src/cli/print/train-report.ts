import { thousands } from '../../base/count.js';
import type { CollabData } from '../../data/collab-data.js';
import { trainingConfig } from '../../files/model-file.js';
import type { DivergedError } from '../../base/errors.js';
import type { AdapterReport } from '../../node/device/adapter.js';
import type { EpochRecord } from '../../train/fit.js';
import type { CollabLearner } from '../../train/learner.js';
import type { Validation } from '../../train/validator.js';
import { adapterText } from './head.js';
import type { Stopwatch } from '../process/stopwatch.js';
import type { BatchesOn } from '../../steps/stepper.js';

/**
 * What `dotbias train --report` writes. Numbers that do not exist, such as the validation errors without validation
 * ratings, are null.
 */
export interface TrainReport {
  /** The driver's description of the adapter; of lavapipe with its threads. */
  adapter: string;
  /** The adapter computes on the CPU. */
  isSoftware: boolean;
  /** `nUsers` and `nItems` count the distinct ids that training saw: one less than a table has rows, for those include `#na#`. */
  data: { name: string; nUsers: number; nItems: number; nTrain: number; nValid: number; bestMse?: number | undefined };
  config: Readonly<Record<string, unknown>>;
  /** Training steps made. */
  steps: number;
  /** `seconds` of training and validation. */
  epochs: { trainLoss: number; validLoss: number; seconds: number }[];
  validMse: number;
  validRmse: number;
  validMae: number;
  /**
   * `data` (reading) comes before `device` (opening); `compile` includes all that is prepared on the device;
   * `train` and `validate` are sums over the epochs; `total` counts from the start of the process.
   */
  seconds: { data: number; device: number; compile: number; train: number; validate: number; total: number };
  /** How the steps were made. */
  stepper: string;
  /** Where batches were made. */
  batches: BatchesOn;
  /** Of a training in strata: their number, and the passes of an epoch. */
  strata?: number | undefined;
  passes?: number | undefined;
  /** Microseconds of training per step, and ratings trained on per second, both of complete epochs. */
  usPerStep: number;
  ratingsPerSecond: number;
  /** What should be known of the ratings before the results are read. */
  notes: readonly string[];
  /** Ctrl-C ended the run before its time. */
  interrupted: boolean;
  /** Where training diverged, if it did; `epochs` are those before; the errors are null unless --keep-best put one of these back. */
  diverged?: { step: number; lr: number } | undefined;
}

/** A run that is over, and all that its report is made from. */
export interface FinishedRun {
  learn: CollabLearner;
  valid: Omit<Validation, 'loss'>;
  adapter: AdapterReport;
  data: CollabData;
  /** The lowest validation MSE that any model can reach, where it is known. */
  bestMse: number | undefined;
  config: Readonly<Record<string, unknown>>;
  watch: Stopwatch;
  interrupted: boolean;
  diverged?: DivergedError | undefined;
}

/** The report of a run. */
export function trainReport({ learn, valid, adapter, data, bestMse, config, watch, interrupted, diverged }: FinishedRun): TrainReport {
  const { epochs } = learn.history;
  const sum = (seconds: (record: EpochRecord) => number) => epochs.reduce((total, record) => total + seconds(record), 0);
  const train = sum(({ trainSeconds }) => trainSeconds);
  const steps = epochs.length * learn.trainer.stepsPerEpoch;
  const part = (name: string) => watch.seconds[name] ?? 0;
  return {
    adapter: adapterText(adapter),
    isSoftware: adapter.isSoftware,
    data: {
      name: data.name,
      nUsers: data.nUsers - 1,
      nItems: data.nItems - 1,
      nTrain: data.nTrain,
      nValid: data.nValid,
      ...(bestMse !== undefined && { bestMse }),
    },
    config: { ...trainingConfig(learn), ...config },
    steps: learn.history.losses.length,
    epochs: epochs.map(({ trainLoss, validLoss, trainSeconds, validateSeconds }) => ({
      trainLoss,
      validLoss,
      seconds: trainSeconds + validateSeconds,
    })),
    validMse: valid.mse,
    validRmse: valid.rmse,
    validMae: valid.mae,
    seconds: {
      data: part('data'),
      device: part('device'),
      compile: part('compile'),
      train,
      validate: sum(({ validateSeconds }) => validateSeconds),
      total: watch.total,
    },
    stepper: learn.trainer.stepper.name,
    batches: learn.trainer.stepper.batches ?? 'host',
    ...learn.trainer.epochs.settings,
    usPerStep: (1e6 * train) / steps,
    ratingsPerSecond: (steps * data.batchSize) / train,
    notes: learn.notes,
    interrupted,
    ...(diverged && { diverged: { step: diverged.step, lr: diverged.lr } }),
  };
}

/** The two lines with which a run ends: its errors and its speed. */
export function resultLines({ data, validMse, validRmse, validMae, usPerStep, ratingsPerSecond, stepper }: TrainReport): string {
  const best = data.bestMse === undefined ? '' : `  (best reachable MSE ${data.bestMse.toFixed(4)})`;
  const errors =
    data.nValid === 0
      ? 'No validation ratings.'
      : `valid MSE ${validMse.toFixed(4)}  RMSE ${validRmse.toFixed(4)}  MAE ${validMae.toFixed(4)}${best}`;
  return `${errors}\n${Math.round(usPerStep)} us per step, ${thousands(Math.round(ratingsPerSecond))} ratings/s (${stepper} stepper)`;
}
