/** Runs a fit: the trainer's steps with everything that is told, kept and saved along the way. */
import { DivergedError } from '../base/errors.js';
import type { Schedule } from '../schedule/schedule.js';
import { SmoothLoss } from '../schedule/smooth.js';
import type { BlocksCheckpoint, Checkpoint } from './checkpoint.js';
import type { Callback, EpochRecord, Fit, FitProgress, FittedLearner } from './fit.js';
import type { FitHooks } from './trainer.js';
import type { Validation, Validator } from './validator.js';

/** What may be told of a fit, and what may end it; all optional. */
export interface FitOptions {
  /** Called for every submission, after the next has been made, with its losses and learning rates, and how far the fit has come. */
  onProgress?: ((progress: FitProgress) => void) | undefined;
  /** Called after each epoch; return true to stop. */
  onEpoch?: ((record: EpochRecord) => boolean | void | Promise<boolean | void>) | undefined;
  /** Called along the fit: `earlyStopping`, `keepBest`, `csvHistory` or your own. */
  callbacks?: readonly Callback[] | undefined;
  /** Stops before the next submission, within an epoch too, leaving a consistent model and complete records. */
  signal?: AbortSignal | undefined;
  /** Called after each epoch, and after all callbacks, with what a later run needs to `resume` from here. */
  checkpoint?: ((bytes: Uint8Array, fit: Fit) => void | Promise<void>) | undefined;
  /**
   * Goes on where the fit that saved this checkpoint was cut off, and ends with the bits of one that never was (on the
   * same device). Data, options, callbacks and this call must be the same; the learner is new, or stands where that fit began.
   */
  resume?: Checkpoint | BlocksCheckpoint | undefined;
}

/** Names of the options of every fit. */
export const FIT_OPTIONS: readonly (keyof FitOptions)[] = ['onProgress', 'onEpoch', 'callbacks', 'signal', 'checkpoint', 'resume'];

/**
 * Trains through a schedule.
 *
 * @param plan what the schedule was made from
 * @returns the fit, and how many steps of its schedule are done
 */
export async function runFit(
  learner: FittedLearner,
  validator: Validator,
  schedule: Schedule,
  plan: Readonly<Record<string, unknown>>,
  options: FitOptions,
): Promise<{ fit: Fit; done: number }> {
  const { trainer } = learner;
  const { callbacks = [], resume } = options;
  checkCallbacks(callbacks);
  const fit: Fit = { learner, schedule, plan: { ...plan, ...startOf(learner, resume) }, callbacks, records: [], stopped: false };
  if (resume) await (await checkpoints()).resumeFit(resume, fit);
  const stepsBefore = fit.records.length * trainer.stepsPerEpoch;
  const hooks = hooksOf(fit, validator, options, smoothed(learner.history.losses.slice(learner.history.losses.length - stepsBefore)));
  const begun: Callback[] = [];
  let done = stepsBefore;
  try {
    for (const callback of callbacks) {
      await callback.onBegin?.(fit);
      begun.push(callback);
    }
    if (!fit.stopped) done = await trainer.fit(schedule, hooks, fit.records.length);
    if (done % trainer.stepsPerEpoch > 0 && !(await validator.isFinite())) throw notFinite(schedule, done - 1);
  } catch (error) {
    await endAll(begun.reverse(), fit).catch(() => undefined); // the first error counts
    throw error;
  }
  await endAll(begun.reverse(), fit);
  return { fit, done };
}

/** Read on demand: most fits have none, and a page is smaller by it. */
const checkpoints = () => import('./checkpoint.js');

/** Where a fit begins in the learner's life: part of its plan, so that a checkpoint of one fit is not taken for another's. */
function startOf({ trainer: { stepCount, epochCount } }: FittedLearner, resume: FitOptions['resume']) {
  const here = { firstStep: stepCount, firstEpoch: epochCount };
  if (resume === undefined || stepCount > 0) return here;
  // A new learner that resumes need not have made the steps before the fit.
  const { firstStep = here.firstStep, firstEpoch = here.firstEpoch } = resume.plan as Partial<typeof here>;
  return { firstStep, firstEpoch };
}

/** @throws TypeError for two callbacks of one name, or one with a state and no name: their states could not be told apart */
function checkCallbacks(callbacks: readonly Callback[]): void {
  const names = new Set<string>();
  for (const { name, saveState } of callbacks) {
    if (name === undefined) {
      if (saveState !== undefined) throw new TypeError('A callback with saveState needs a name, under which a checkpoint keeps its state.');
      continue;
    }
    if (names.has(name)) throw new TypeError(`Two callbacks of this fit have the name '${name}'; give each its own.`);
    names.add(name);
  }
}

/** A smoothed loss that has seen these losses. */
function smoothed(losses: readonly number[]): SmoothLoss {
  const smooth = new SmoothLoss();
  for (const loss of losses) smooth.push(loss);
  return smooth;
}

function hooksOf(fit: Fit, validator: Validator, options: FitOptions, smooth: SmoothLoss): FitHooks {
  const {
    learner: {
      history,
      trainer: { stepsPerEpoch },
    },
    schedule,
    callbacks,
    records,
  } = fit;
  let started = performance.now();
  return {
    signal: options.signal,
    onSteps: (firstStep, losses) => {
      losses.forEach((loss, i) => {
        const step = firstStep + i;
        const record = { step, lr: schedule.lr[step], beta1: schedule.beta1[step], loss, smoothLoss: smooth.push(loss) };
        history.losses.push(loss);
        history.smoothLosses.push(record.smoothLoss);
        history.lrs.push(record.lr);
        history.beta1s.push(record.beta1);
        for (const callback of callbacks) callback.onStep?.(record, fit);
      });
      options.onProgress?.({
        epoch: records.length,
        firstStep,
        step: firstStep + losses.length,
        totalSteps: schedule.lr.length,
        losses: losses.slice(), // a receiver may hand them on to another thread
        lrs: schedule.lr.slice(firstStep, firstStep + losses.length),
        smoothLosses: Float64Array.from(history.smoothLosses.slice(-losses.length)),
        trainLoss: smooth.value,
      });
    },
    onEpoch: async (epoch) => {
      const trained = performance.now();
      const valid = await validFinite(validator, schedule, (epoch + 1) * stepsPerEpoch - 1);
      const now = performance.now();
      const seconds = { trainSeconds: (trained - started) / 1000, validateSeconds: (now - trained) / 1000 };
      const record: EpochRecord = { epoch, trainLoss: smooth.value, validLoss: valid.loss, valid, ...seconds };
      records.push(record);
      history.epochs.push(record);
      if ((await options.onEpoch?.(record)) === true) fit.stopped = true;
      for (const callback of callbacks) if ((await callback.onEpoch?.(record, fit)) === true) fit.stopped = true;
      if (options.checkpoint) await options.checkpoint(await (await checkpoints()).encodeCheckpoint(fit), fit);
      started = performance.now();
      return fit.stopped;
    },
  };
}

/** Errors of the model after a step. @throws DivergedError: nothing that is not finite may reach a callback or a checkpoint */
async function validFinite(validator: Validator, schedule: Schedule, step: number): Promise<Validation> {
  const { valid, isFinite } = await validator.run();
  if (!isFinite) throw notFinite(schedule, step);
  return valid;
}

const notFinite = ({ lr }: Schedule, step: number) => new DivergedError(step, lr[step], 'a parameter or a score is not finite after');

/** Calls `onEnd` of all, even if one throws; then throws the first error. */
async function endAll(callbacks: readonly Callback[], fit: Fit): Promise<void> {
  const errors: unknown[] = [];
  for (const callback of callbacks) {
    try {
      await callback.onEnd?.(fit);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
