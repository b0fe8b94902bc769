import type { CollabData } from '../data/collab-data.js';
import type { CollabLearner, EpochRecord } from './learner.js';
import type { ModelState } from '../model/tables.js';
import type { Tensor } from '../base/safetensors.js';
import type { Schedule } from '../schedule/schedule.js';

/** A fit under way, as callbacks and checkpoints see it. */
export interface Fit {
  readonly learner: CollabLearner;
  readonly schedule: Schedule;
  /** What the schedule was made from: its policy, epochs, learning rate and so on. */
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

/** Something that goes along with a fit. Callbacks are called in the order given. */
export interface Callback {
  /**
   * For a callback that decides the result or has a state to keep: what it is, with its options. A fit can be resumed only
   * with the same ones.
   */
  readonly name?: string;
  /** Before the first step; a resumed fit has its earlier `records` already. */
  onBegin?(fit: Fit): void | Promise<void>;
  onStep?(step: StepRecord, fit: Fit): void;
  /** After each epoch and its validation; return true to end the fit. */
  onEpoch?(record: EpochRecord, fit: Fit): boolean | void | Promise<boolean | void>;
  /** At the end, however it came: all epochs made, stopped, aborted or failed. */
  onEnd?(fit: Fit): void | Promise<void>;
  /** What a checkpoint has to hold for this callback to go on, and its way back. */
  saveState?(): Record<string, Tensor>;
  loadState?(state: Readonly<Record<string, Tensor>>): void;
}

/** A figure of the training table in which less is better. */
export type Monitor = 'validLoss' | 'trainLoss' | 'mse' | 'rmse' | 'mae';

const MONITORS: readonly Monitor[] = ['validLoss', 'trainLoss', 'mse', 'rmse', 'mae'];

/** Arguments of `earlyStopping`. */
export interface EarlyStoppingOptions {
  /** Default 'validLoss'. */
  monitor?: Monitor;
  /** An epoch is better only if its value plus this is below the best so far. Default 0. */
  minDelta?: number;
  /** The fit ends after this many epochs in a row without a better one. Default 1. */
  patience?: number;
}

/**
 * Ends a fit that no longer gets better, as fastai 2's EarlyStoppingCallback does. (fastai 1 waits one epoch more for the
 * same `patience`.) The model stays that of the last epoch, unless `keepBest` is used too.
 *
 * @throws RangeError for a wrong option; as the fit begins, if there are no validation ratings to monitor
 */
export function earlyStopping({ monitor = 'validLoss', minDelta = 0, patience = 1 }: EarlyStoppingOptions = {}): Callback {
  checkMonitor(monitor);
  if (!(minDelta >= 0 && minDelta < Infinity)) throw new RangeError(`minDelta must be a number of at least 0, not ${minDelta}.`);
  if (!Number.isSafeInteger(patience) || patience < 1)
    throw new RangeError(`patience must be a whole number of at least 1, not ${patience}.`);
  return {
    name: `earlyStopping(${monitor}, ${minDelta}, ${patience})`,
    onBegin: ({ learner }) => checkMonitored(monitor, learner.data),
    // From all records each time: so it goes on after a resume as if nothing had happened.
    onEpoch: (_, { records }) => {
      let best = Infinity;
      let wait = 0;
      for (const record of records) {
        const value = monitored(record, monitor);
        if (value + minDelta < best) {
          best = value;
          wait = 0;
        } else wait++;
      }
      return wait >= patience;
    },
  };
}

/** A `keepBest` callback and what it has found. */
export interface KeepBest extends Callback {
  /** The best epoch of the fit; undefined before the first. */
  readonly best: { epoch: number; value: number } | undefined;
}

/**
 * Puts the model and the optimiser of the best epoch back at the end of a fit, bit for bit, as fastai's SaveModelCallback
 * does. It keeps a copy of both on the host. The first of several equally good epochs counts.
 *
 * @throws RangeError for a wrong option; as the fit begins, if there are no validation ratings to monitor
 */
export function keepBest({ monitor = 'validLoss' }: { monitor?: Monitor } = {}): KeepBest {
  checkMonitor(monitor);
  let best: { epoch: number; value: number; stepCount: number; state: ModelState } | undefined;
  return {
    name: `keepBest(${monitor})`,
    get best() {
      return best && { epoch: best.epoch, value: best.value };
    },
    onBegin: ({ learner, records }) => {
      checkMonitored(monitor, learner.data);
      if (records.length === 0) best = undefined;
    },
    onEpoch: async (record, { learner: { embeddings: model, trainer } }) => {
      const value = monitored(record, monitor);
      if (!(value < (best?.value ?? Infinity))) return;
      best = { epoch: record.epoch, value, stepCount: trainer.stepCount, state: await model.readState() };
    },
    onEnd: ({ learner: { embeddings: model, trainer } }) => {
      if (best === undefined) return;
      model.writeState(best.state);
      trainer.stepCount = best.stepCount;
    },
    saveState() {
      if (best === undefined) return {};
      const { epoch, value, stepCount, state } = best;
      const floats = (data: Float32Array): Tensor => ({ dtype: 'F32', shape: [data.length], data });
      return {
        param: floats(state.param),
        m: floats(state.m),
        v: floats(state.v),
        epoch: { dtype: 'F64', shape: [3], data: Float64Array.of(epoch, value, stepCount) },
      };
    },
    loadState({ param, m, v, epoch }) {
      best = undefined;
      if (epoch === undefined) return;
      const copy = (tensor: Tensor | undefined) => Float32Array.from(tensor!.data as Float32Array);
      const [which, value, stepCount] = epoch.data as Float64Array;
      best = { epoch: which, value, stepCount, state: { param: copy(param), m: copy(m), v: copy(v) } };
    },
  };
}

/**
 * Keeps a fit's table as CSV: after each epoch, `write` is given the whole of it, to put where the old one was. In Node:
 * `csvHistory((csv) => writeFileAtomic('history.csv', csv))`.
 */
export function csvHistory(write: (csv: string) => void | Promise<void>): Callback {
  return { onEpoch: (_, { records }) => write(historyCsv(records)) as Promise<void> };
}

/** The training table as CSV with a header; figures in full, an absent one empty. */
export function historyCsv(records: readonly EpochRecord[]): string {
  const cell = (value: number) => (Number.isFinite(value) ? String(value) : '');
  const lines = records.map(({ epoch, trainLoss, validLoss, valid, trainSeconds, validateSeconds }) =>
    [epoch, trainLoss, validLoss, valid.mse, valid.rmse, valid.mae, trainSeconds, validateSeconds].map(cell).join(','),
  );
  return ['epoch,train_loss,valid_loss,mse,rmse,mae,train_seconds,validate_seconds', ...lines, ''].join('\n');
}

function monitored(record: EpochRecord, monitor: Monitor): number {
  return monitor === 'validLoss' || monitor === 'trainLoss' ? record[monitor] : record.valid[monitor];
}

function checkMonitor(monitor: Monitor): void {
  if (!MONITORS.includes(monitor)) throw new RangeError(`monitor must be one of ${MONITORS.join(', ')}, not ${String(monitor)}.`);
}

function checkMonitored(monitor: Monitor, data: CollabData): void {
  if (monitor === 'trainLoss' || data.nValid > 0) return;
  throw new RangeError(
    `There are no validation ratings to compute ${monitor} from; monitor 'trainLoss', or keep some ratings for validation.`,
  );
}
