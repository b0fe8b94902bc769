import type { CollabLearner, EpochRecord } from '../../train/learner.js';
import { trainingConfig } from '../../files/model-file.js';
import type { OpenedGpu } from '../../node/device/device.js';
import type { StepperName } from '../../steps/stepper.js';
import type { Validation } from '../../train/trainer.js';
import type { SourcedData } from '../options/data.js';
import type { Stopwatch } from '../process/stopwatch.js';

/**
 * What `dotbias train --report` writes. Numbers that do not exist, such as the validation errors without validation
 * ratings, are null.
 */
export interface TrainReport {
  /** The driver's description of the adapter. */
  adapter: string;
  isFallbackAdapter: boolean;
  /** `nUsers` and `nItems` count the distinct ids that training saw: one less than the rows of a table, which has `#na#` too. */
  data: { name: string; nUsers: number; nItems: number; nTrain: number; nValid: number; bestMse?: number };
  config: Readonly<Record<string, unknown>>;
  /** Training steps made. */
  steps: number;
  /** `seconds` of training and validation. */
  epochs: { trainLoss: number; validLoss: number; seconds: number }[];
  validMse: number;
  validRmse: number;
  validMae: number;
  /**
   * `data` (reading) and `device` (opening) run side by side; `compile` includes all that is made ready on the device;
   * `train` and `validate` are sums over the epochs; `total` counts from the start of the process.
   */
  seconds: { data: number; device: number; compile: number; train: number; validate: number; total: number };
  /** How the steps were made. */
  path: StepperName;
  /** Microseconds of training per step, and ratings trained on per second, of the complete epochs. */
  usPerStep: number;
  ratingsPerSecond: number;
  /** Ctrl-C ended the run before its time. */
  interrupted: boolean;
}

export interface FinishedRun {
  learn: CollabLearner;
  valid: Validation;
  device: OpenedGpu;
  sourced: SourcedData;
  config: Readonly<Record<string, unknown>>;
  watch: Stopwatch;
  interrupted: boolean;
}

export function trainReport({ learn, valid, device, sourced, config, watch, interrupted }: FinishedRun): TrainReport {
  const { data, bestMse } = sourced;
  const { epochs } = learn.history;
  const sum = (seconds: (record: EpochRecord) => number) => epochs.reduce((total, record) => total + seconds(record), 0);
  const train = sum(({ trainSeconds }) => trainSeconds);
  const steps = epochs.length * learn.trainer.stepsPerEpoch;
  const part = (name: string) => watch.seconds[name] ?? 0;
  return {
    adapter: device.info.description,
    isFallbackAdapter: device.info.isFallbackAdapter,
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
    path: learn.trainer.stepper.name,
    usPerStep: (1e6 * train) / steps,
    ratingsPerSecond: (steps * data.batchSize) / train,
    interrupted,
  };
}
