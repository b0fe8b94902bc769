import { checkChoice, checkNotNegative, checkOptions, checkWhole } from '../base/check.js';
import type { Tensor } from '../base/safetensors.js';
import type { CollabData } from '../data/collab-data.js';
import type { ModelState } from '../model/tables.js';
import type { Callback, EpochRecord } from './fit.js';

/** A figure of the training table in which less is better. */
export type Monitor = 'validLoss' | 'trainLoss' | 'mse' | 'rmse' | 'mae';

const MONITORS: readonly Monitor[] = ['validLoss', 'trainLoss', 'mse', 'rmse', 'mae'];

/** Arguments of `earlyStopping`. */
export interface EarlyStoppingOptions {
  /** Default 'validLoss'. */
  monitor?: Monitor | undefined;
  /** An epoch is better only if its value plus this is below the best so far. Default 0. */
  minDelta?: number | undefined;
  /** The fit ends after this many epochs in a row without a better one. Default 1. */
  patience?: number | undefined;
}

/**
 * Ends a fit that no longer gets better, as fastai 2's EarlyStoppingCallback does. (fastai 1 waits one epoch more for the
 * same `patience`.) The model stays that of the last epoch, unless `keepBest` is used too.
 *
 * @throws RangeError for a wrong option; as the fit begins, if there are no validation ratings to monitor
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  checkOptions('earlyStopping', options, ['monitor', 'minDelta', 'patience']);
  const { monitor = 'validLoss', minDelta = 0, patience = 1 } = options;
  checkMonitor(monitor);
  checkNotNegative('minDelta', minDelta);
  checkWhole('patience', patience);
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
export function keepBest(options: { monitor?: Monitor | undefined } = {}): KeepBest {
  checkOptions('keepBest', options, ['monitor']);
  const { monitor = 'validLoss' } = options;
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
      const arrays = Object.entries(state).map(([name, data]): [string, Tensor] => [name, { dtype: 'F32', shape: [data.length], data }]);
      return { ...Object.fromEntries(arrays), epoch: { dtype: 'F64', shape: [3], data: Float64Array.of(epoch, value, stepCount) } };
    },
    loadState({ epoch, ...arrays }, { records, plan, learner: { embeddings, trainer } }) {
      best = undefined;
      const values = records.map((record) => monitored(record, monitor));
      const value = values.reduce((least, each) => (each < least ? each : least), Infinity);
      if (value === Infinity && epoch === undefined) return;
      const which = values.indexOf(value);
      const stepCount = (plan['firstStep'] as number) + (which + 1) * trainer.stepsPerEpoch;
      if (String(epoch?.data) !== String([which, value, stepCount])) throw new RangeError('What was kept is not the best epoch.');
      if (Object.values(arrays).some(({ dtype, shape }) => dtype !== 'F32' || shape.length !== 1) || epoch?.shape.length !== 1) {
        throw new TypeError('What was kept is not a state, in lists of float32.');
      }
      const copies = Object.entries(arrays).map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)]);
      const state = Object.fromEntries(copies) as ModelState;
      embeddings.checkState(state);
      best = { epoch: which, value, stepCount, state };
    },
  };
}

/**
 * Keeps a fit's table as CSV: after each epoch, `write` is given the whole of it, to put where the old one was. In Node:
 * `csvHistory((csv) => writeFileAtomic('history.csv', csv))`.
 */
export function csvHistory(write: (csv: string) => void | Promise<void>): Callback {
  return {
    // What `write` returns, such as a stream's true, must not end the fit.
    onEpoch: async (_, { records }) => {
      await write(historyCsv(records));
    },
  };
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
  checkChoice('monitor', monitor, MONITORS);
}

function checkMonitored(monitor: Monitor, data: CollabData): void {
  if (monitor === 'trainLoss' || data.nValid > 0) return;
  throw new RangeError(
    `There are no validation ratings to compute ${monitor} from; monitor 'trainLoss', or keep some ratings for validation.`,
  );
}
