import { thousands } from '../../base/count.js';
import { trainingConfig } from '../../files/model-file.js';
import type { DivergedError } from '../../base/errors.js';
import { mathFingerprint } from '../../base/math-fingerprint.js';
import { VERSION } from '../../base/version.js';
import type { CollabData } from '../../data/collab-data.js';
import type { AdapterReport } from '../../node/device/adapter.js';
import type { ModelHashes } from '../../node/files/model-hashes.js';
import type { EpochRecord, Fit } from '../../train/fit.js';
import { configOf, dataFingerprint, planOf, type Settings } from '../../train/identity.js';
import { runtimeName } from '../process/runtime.js';
import type { CollabLearner } from '../../train/learner.js';
import type { Validation } from '../../train/validator.js';
import { adapterText } from './head.js';
import type { Prepared } from '../../node/ratings/prepared.js';
import type { Stopwatch } from '../process/stopwatch.js';
import type { BatchesOn } from '../../steps/stepper.js';

/**
 * What `dotbias train --report` writes. Numbers that do not exist, such as the validation errors without validation
 * ratings, are null.
 */
export interface TrainReport {
  /** Of dotbias. */
  version: string;
  /** What ran it, such as 'Node v20.20.2', and the `mathFingerprint` of its JavaScript engine. */
  runtime: string;
  math: string;
  /** The driver's description of the adapter; of lavapipe with its threads. */
  adapter: string;
  /** The adapter computes on the CPU. */
  isSoftware: boolean;
  device: Pick<AdapterReport, 'name' | 'description' | 'vendor' | 'architecture' | 'backend' | 'softwareThreads'>;
  /**
   * `nUsers` and `nItems` count the distinct ids that training saw: one less than a table has rows, for those include `#na#`.
   * `source` says in a sentence where the ratings were read from; `fingerprint` is of the ids and of both parts.
   */
  data: {
    name: string;
    source: string;
    fingerprint: string;
    split: SplitBy;
    nUsers: number;
    nItems: number;
    nTrain: number;
    nValid: number;
    bestMse?: number | undefined;
  };
  /** The settings as options, by name: what `--config` takes. */
  options: Readonly<Record<string, unknown>>;
  /** All that decides the steps, as the settings came out: of the learner, and of its fit. */
  settings: { learner: Settings; fit: Settings };
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
  /** Of the model at the end; absent where training diverged or the file could not be written, and for tables of more than 2 GiB. */
  model?: ModelHashes | undefined;
  /** The losses of the steps: float32, little-endian, in base64. */
  losses: string;
}

/** How ratings were split for training and validation: at random, by the files that they are in, or when they were prepared. */
export type SplitBy = { by: 'files' } | { by: 'random' | 'prepared'; validPct: number; seed: number };

/** Data to train on, and what to say of them. */
export interface SourcedData {
  data: CollabData;
  /** Which data these are: a sentence. */
  source: string;
  split: SplitBy;
  /** The folder of prepared ratings, of which a rank has read its own part. */
  prepared?: Prepared | undefined;
  /** The lowest validation MSE that any model can reach, where it is known. */
  bestMse?: number | undefined;
}

/** A run that is over, and all that its report is made from. */
export interface FinishedRun {
  learn: CollabLearner;
  valid: Omit<Validation, 'loss'>;
  fit: Fit;
  adapter: AdapterReport;
  sourced: SourcedData;
  options: Readonly<Record<string, unknown>>;
  config: Readonly<Record<string, unknown>>;
  watch: Stopwatch;
  interrupted: boolean;
  diverged?: DivergedError | undefined;
}

/** What is known before training. */
export type Beginning = Pick<TrainReport, 'version' | 'runtime' | 'math' | 'adapter' | 'isSoftware' | 'device' | 'data'>;

/** What a report says before training. */
export function beginningOf(adapter: AdapterReport, { data, source, split, bestMse }: SourcedData): Beginning {
  const { name, description, vendor, architecture, backend, softwareThreads } = adapter;
  return {
    version: VERSION,
    runtime: runtimeName(),
    math: mathFingerprint(),
    adapter: adapterText(adapter),
    isSoftware: adapter.isSoftware,
    device: { name, description, vendor, architecture, backend, softwareThreads },
    data: {
      name: data.name,
      source,
      fingerprint: dataFingerprint(data),
      split,
      nUsers: data.nUsers - 1,
      nItems: data.nItems - 1,
      nTrain: data.nTrain,
      nValid: data.nValid,
      ...(bestMse !== undefined && { bestMse }),
    },
  };
}

/** The report of a run. */
export function trainReport(run: FinishedRun): TrainReport {
  const { learn, fit, valid, adapter, sourced, options, config, watch, interrupted, diverged } = run;
  const { data } = sourced;
  const { epochs } = learn.history;
  const sum = (seconds: (record: EpochRecord) => number) => epochs.reduce((total, record) => total + seconds(record), 0);
  const train = sum(({ trainSeconds }) => trainSeconds);
  const steps = epochs.length * learn.trainer.stepsPerEpoch;
  const part = (of: string) => watch.seconds[of] ?? 0;
  return {
    ...beginningOf(adapter, sourced),
    options,
    // Made when it is written: the order of many ratings takes its time.
    get settings() {
      return { learner: configOf(learn), fit: planOf(fit) };
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
    model: undefined,
    losses: encodeLosses(learn.history.losses),
  };
}

/** Losses as a report has them. */
export function encodeLosses(losses: readonly number[]): string {
  return Buffer.from(Float32Array.from(losses).buffer).toString('base64');
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
