import { adam, type OptimizerOp } from '../../shaders/ops/adam.js';
import { type LossOp, mse } from '../../shaders/ops/loss.js';
import type { Callback, Fit } from './callbacks.js';
import { type Checkpoint, encodeCheckpoint, resumeFit } from './checkpoint.js';
import type { CollabData, Id } from '../data/collab-data.js';
import { calibratedStepper } from './choose-stepper.js';
import { CollabModel } from '../answer/collab-model.js';
import { DotbiasError } from '../base/errors.js';
import { Gpu } from '../gpu/gpu.js';
import { lrFinderResult, type LrFinderResult } from '../schedule/lr-finder.js';
import { EmbeddingTables, RowLayout, type ModelShape, type Tables } from '../model/tables.js';
import { copiesOf, type StepperName, type StepOptions } from '../steps/stepper.js';
import { fillInitial, fillPermutation, permutationKey, STREAM } from '../base/random.js';
import { constant, lrSweep, oneCycle, type Schedule } from '../schedule/schedule.js';
import { SmoothLoss } from '../schedule/smooth.js';
import { type FitHooks, Trainer, type Validation, Validator } from './trainer.js';

/** Whose optimiser and schedule constants to use where none are given. */
export type Defaults = 'fastai1' | 'fastai2';

/** What `collabLearner` makes, and how it trains; all optional. */
export interface LearnerOptions {
  /** Length of a user's and an item's vector. Default 50. */
  nFactors?: number;
  /** Predictions lie in (lo, hi) through a sigmoid. Default null: the raw score. */
  yRange?: readonly [lo: number, hi: number] | null;
  /** Decoupled weight decay of the factors. Default 0.01, as fastai. */
  wd?: number;
  /** Decoupled weight decay of the biases. Default: `wd`, as fastai. */
  wdBias?: number;
  /** False: a model of factors only. Default true. */
  bias?: boolean;
  /** fastai1: eps 1e-8, peak at 30 % of the steps. fastai2: eps 1e-5, peak at 25 %. Default 'fastai1'. */
  defaults?: Defaults;
  /** Default `mse`. */
  loss?: LossOp;
  /** Default `adam`. */
  optimizer?: OptimizerOp;
  /** Decay of Adam's second moment. Default 0.99, as fastai. */
  beta2?: number;
  eps?: number;
  /** Integer in [0, 2^32) that decides the starting values and the order of each epoch. Default: the data's. */
  seed?: number;
  /** Starting values instead of those drawn from `seed`. */
  init?: Tables;
  /** Order of the training rows in each epoch (counted over the learner's life), instead of one drawn from `seed`. */
  order?: (epoch: number) => Uint32Array;
  /**
   * How steps are made; all ways give the same numbers up to rounding. Default: lazy where it can do what is asked, else
   * dense. 'auto': the fastest by a short trial, remembered by adapter and sizes; see `calibratedStepper`.
   */
  stepper?: StepperName | 'auto';
  /** The device to train on: ours, or a `GPUDevice` that is borrowed. Default: a new one from `navigator.gpu`. */
  gpu?: Gpu | GPUDevice;
}

/** What may be told of a fit, and what may end it. */
export interface FitOptions {
  /** Called after every submission with the steps done, of all steps, and the smoothed training loss. */
  onProgress?: (progress: { epoch: number; step: number; nSteps: number; trainLoss: number }) => void;
  /** Called after each epoch; return true to stop. */
  onEpoch?: (record: EpochRecord) => boolean | void | Promise<boolean | void>;
  /** What goes along: `earlyStopping`, `keepBest`, `csvHistory` or your own. */
  callbacks?: readonly Callback[];
  /** Stops before the next submission, within an epoch too, leaving a consistent model and complete records. */
  signal?: AbortSignal | undefined;
  /** Called after each epoch, and after all callbacks, with what a later run needs to `resume` from here. */
  checkpoint?: ((bytes: Uint8Array, fit: Fit) => void | Promise<void>) | undefined;
  /**
   * Goes on where the fit that saved this checkpoint was cut off, and ends with the bits of one that never was (on the
   * same device). Data, options, callbacks and this call must be the same; what the learner held before is overwritten.
   */
  resume?: Checkpoint | undefined;
}

/** The shape of the 1-cycle schedule, see `oneCycle`. */
export interface OneCycleFitOptions extends FitOptions {
  /** Start at lrMax / divFactor. Default 25. */
  divFactor?: number;
  /** End near lrMax / finalDiv. Default: the defaults's. */
  finalDiv?: number;
  /** Share of the steps in which the rate rises. Default: the defaults's. */
  pctStart?: number;
  /** Momentum at the ends and at the peak. Default [0.95, 0.85]. */
  moms?: readonly [number, number];
}

/** The sweep of `lrFind`: `numIt` (100) steps from `startLr` (1e-7) to `endLr` (10). */
export interface LrFindOptions {
  startLr?: number;
  endLr?: number;
  numIt?: number;
  /** False: run all steps even if the loss explodes. Default true. */
  stopDiv?: boolean;
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

/**
 * A model, its data and its optimiser: what fastai calls a Learner. Starting values are fastai's, drawn from `seed`.
 *
 * @throws RangeError for an option out of range, MemoryBudgetError if the model does not fit, DotbiasError without WebGPU
 */
export async function collabLearner(data: CollabData, options: LearnerOptions = {}): Promise<CollabLearner> {
  const { nFactors = 50, bias = true, seed = data.seed } = options;
  const step = stepOptions(data, options);
  if (!Number.isSafeInteger(nFactors) || nFactors < 1)
    throw new RangeError(`nFactors must be a whole number of at least 1, not ${nFactors}.`);
  const gpu = await openGpu(options.gpu);
  const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors, bias };
  const makeTables = () => options.init ?? initialTables(shape, seed);
  const steppers = possibleSteppers(step, shape, gpu);
  const stepper =
    options.stepper === 'auto' ? await calibratedStepper(gpu, data, shape, makeTables, step, steppers) : (options.stepper ?? steppers[0]);
  const model = new EmbeddingTables(gpu, shape, copiesOf(stepper));
  const parts: Promise<Trainer | Validator>[] = [];
  try {
    model.writeTables(makeTables());
    const order = options.order ?? ((epoch: number) => epochOrder(data.nTrain, seed, epoch));
    // Kernels of both compile side by side.
    const trainer = Trainer.create(model, data, step, order, stepper);
    const validator = Validator.create(model, data.valid, step);
    parts.push(trainer, validator);
    return new CollabLearner(model, data, options.defaults ?? 'fastai1', seed, ...(await Promise.all([trainer, validator])));
  } catch (error) {
    for (const part of await Promise.allSettled(parts)) if (part.status === 'fulfilled') part.value.release();
    model.release();
    throw error;
  }
}

/** A model in training: fits, finds learning rates and validates. Made by `collabLearner`. */
export class CollabLearner extends CollabModel {
  readonly history: History = { losses: [], smoothLosses: [], lrs: [], beta1s: [], epochs: [] };
  /** Momentum of a fastai2 fit without a schedule: what the last fit left, 0.9 at first. */
  beta1 = 0.9;

  constructor(
    model: EmbeddingTables,
    readonly data: CollabData,
    readonly defaults: Defaults,
    readonly seed: number,
    readonly trainer: Trainer,
    private readonly validator: Validator,
  ) {
    super(model, {
      users: data.users,
      items: data.items,
      train: data.train,
      yRange: trainer.options.yRange,
      ...(data.titles && { titles: data.titles }),
    });
  }

  /**
   * Trains `epochs` epochs with the 1-cycle policy up to `lrMax`. A later fit continues with the optimiser's state.
   *
   * @returns the records of the epochs made, also of those before a resume
   * @throws DivergedError as soon as the loss is not finite (the model is then unusable, but for `keepBest`);
   *   FileFormatError if `resume` belongs to another run
   */
  fitOneCycle(epochs: number, lrMax = 3e-3, options: OneCycleFitOptions = {}): Promise<EpochRecord[]> {
    checkEpochs(epochs);
    const { divFactor, finalDiv, pctStart, moms } = options;
    const shape = {
      ...(divFactor !== undefined && { divFactor }),
      ...(finalDiv !== undefined && { finalDiv }),
      ...(pctStart !== undefined && { pctStart }),
      ...(moms !== undefined && { moms }),
    };
    const schedule = oneCycle({ totalSteps: epochs * this.trainer.stepsPerEpoch, lrMax, defaults: this.defaults, ...shape });
    return this.#fit(schedule, { policy: 'fitOneCycle', epochs, lrMax, ...shape }, options);
  }

  /** Trains `epochs` epochs at a constant learning rate. */
  fit(epochs: number, lr = 3e-3, options: FitOptions = {}): Promise<EpochRecord[]> {
    checkEpochs(epochs);
    const beta1 = this.defaults === 'fastai1' ? 0.9 : ((options.resume?.plan['beta1'] as number | undefined) ?? this.beta1);
    const schedule = constant({ totalSteps: epochs * this.trainer.stepsPerEpoch, lr, beta1 });
    return this.#fit(schedule, { policy: 'fit', epochs, lr, beta1 }, options);
  }

  async #fit(schedule: Schedule, plan: Fit['plan'], options: FitOptions): Promise<EpochRecord[]> {
    const { history, trainer } = this;
    const { callbacks = [], signal } = options;
    const nSteps = schedule.lr.length;
    const fit: Fit = { learner: this, schedule, plan, callbacks, records: [], stopped: false };
    if (options.resume) resumeFit(options.resume, fit);
    const { records } = fit;
    const smooth = new SmoothLoss();
    const stepsBefore = records.length * trainer.stepsPerEpoch;
    for (let k = history.losses.length - stepsBefore; k < history.losses.length; k++) smooth.push(history.losses[k]);

    let started = performance.now();
    const hooks: FitHooks = {
      signal,
      onSteps: (first, losses) => {
        losses.forEach((loss, i) => {
          const step = first + i;
          const record = { step, lr: schedule.lr[step], beta1: schedule.beta1[step], loss, smoothLoss: smooth.push(loss) };
          history.losses.push(loss);
          history.smoothLosses.push(record.smoothLoss);
          history.lrs.push(record.lr);
          history.beta1s.push(record.beta1);
          for (const callback of callbacks) callback.onStep?.(record, fit);
        });
        options.onProgress?.({ epoch: records.length, step: first + losses.length, nSteps, trainLoss: smooth.value });
      },
      onEpoch: async (epoch) => {
        const trained = performance.now();
        const valid = await this.validator.run();
        const now = performance.now();
        const record: EpochRecord = {
          epoch,
          trainLoss: smooth.value,
          validLoss: valid.loss,
          valid,
          trainSeconds: (trained - started) / 1000,
          validateSeconds: (now - trained) / 1000,
        };
        records.push(record);
        history.epochs.push(record);
        fit.stopped = (await options.onEpoch?.(record)) === true;
        for (const callback of callbacks) if ((await callback.onEpoch?.(record, fit)) === true) fit.stopped = true;
        if (options.checkpoint) await options.checkpoint(await encodeCheckpoint(fit), fit);
        started = performance.now();
        return fit.stopped;
      },
    };
    try {
      for (const callback of callbacks) await callback.onBegin?.(fit);
      const done = fit.stopped ? stepsBefore : await trainer.fit(schedule, hooks, records.length);
      this.beta1 = done === nSteps ? schedule.end.beta1 : schedule.beta1[Math.max(0, done - 1)];
    } finally {
      for (const callback of callbacks) await callback.onEnd?.(fit);
    }
    return records;
  }

  /**
   * The LR range test (Smith 2017) as fastai runs it: the learning rate grows geometrically from step to step until the
   * loss explodes. Model, optimiser and position in the data are afterwards what they were, bit for bit.
   *
   * @returns rates, smoothed losses and suggestions; see `LrFinderResult`
   */
  async lrFind({ startLr = 1e-7, endLr = 10, numIt = 100, stopDiv = true }: LrFindOptions = {}): Promise<LrFinderResult> {
    const { embeddings: model, trainer } = this;
    const schedule = lrSweep({ startLr, endLr, numIt, beta1: this.defaults === 'fastai1' ? 0.9 : this.beta1 });
    const state = await model.readState();
    const { stepCount, epochCount } = trainer;
    const losses: number[] = [];
    try {
      await trainer.fit(schedule, { onSteps: (_, chunk) => void losses.push(...chunk), stopOnNaN: false });
    } finally {
      model.writeState(state);
      Object.assign(trainer, { stepCount, epochCount });
    }
    return lrFinderResult(schedule.lr, losses, { numIt, stopDiv });
  }

  /** Errors on the validation set with the model as it is now. */
  validate(): Promise<Validation> {
    return this.validator.run();
  }

  /** The first `n` validation ratings beside their predictions. */
  async showResults(n = 10): Promise<{ user: Id; item: Id; title?: string; rating: number; prediction: number }[]> {
    const { valid, users, items } = this.data;
    const count = Math.min(n, this.data.nValid);
    const predictions = await this.predictRows(valid.users.subarray(0, count), valid.items.subarray(0, count));
    return Array.from(predictions, (prediction, k) => {
      const item = items.idOf(valid.items[k]);
      const title = this.titleOf(item);
      return { user: users.idOf(valid.users[k]), item, ...(title !== undefined && { title }), rating: valid.ratings[k], prediction };
    });
  }

  override release(): void {
    this.trainer.release();
    this.validator.release();
    super.release();
  }
}

/** Checked options of a training step. */
function stepOptions(data: CollabData, options: LearnerOptions): StepOptions {
  const { yRange = null, wd = 0.01, wdBias = wd, defaults = 'fastai1', loss = mse, optimizer = adam, beta2 = 0.99 } = options;
  if (defaults !== 'fastai1' && defaults !== 'fastai2')
    throw new RangeError(`defaults must be 'fastai1' or 'fastai2', not ${String(defaults)}.`);
  const eps = options.eps ?? (defaults === 'fastai1' ? 1e-8 : 1e-5);
  if (yRange !== null && !(yRange.length === 2 && Number.isFinite(yRange[0]) && Number.isFinite(yRange[1]) && yRange[0] < yRange[1])) {
    throw new RangeError(`yRange must be two finite numbers, lo < hi, not [${String(yRange)}].`);
  }
  for (const [name, value] of Object.entries({ wd, wdBias })) {
    if (!(value >= 0 && Number.isFinite(value))) throw new RangeError(`${name} must be a number of at least 0, not ${value}.`);
  }
  if (!(beta2 > 0 && beta2 < 1)) throw new RangeError(`beta2 must lie in (0, 1), not ${beta2}.`);
  if (!(eps >= 1e-12 && eps < 1)) throw new RangeError(`eps must lie in [1e-12, 1), not ${eps}.`);
  return { batchSize: data.batchSize, yRange, loss, optimizer, wd, wdBias, beta2, eps };
}

/** The steppers that can do what is asked, the default first. Lazy steps are Adam's, and bind two copies of the tables at once. */
function possibleSteppers({ optimizer }: StepOptions, shape: ModelShape, { limits }: Gpu): StepperName[] {
  const twoCopies = 8 * new RowLayout(shape).nParams;
  const lazy = optimizer === adam && twoCopies <= Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  return lazy ? ['lazy', 'persistent', 'dense'] : ['dense'];
}

function initialTables({ nUsers, nItems, nFactors }: { nUsers: number; nItems: number; nFactors: number }, seed: number): Tables {
  const table = (id: number, nRows: number, nColumns: number) => {
    const values = new Float32Array(nRows * nColumns);
    fillInitial(values, seed, id, nRows, nColumns);
    return values;
  };
  return {
    userFactors: table(0, nUsers, nFactors),
    itemFactors: table(1, nItems, nFactors),
    userBias: table(2, nUsers, 1),
    itemBias: table(3, nItems, 1),
  };
}

/** Training rows in the order of an epoch: a keyed bijection of the positions. */
function epochOrder(nTrain: number, seed: number, epoch: number): Uint32Array {
  const order = new Uint32Array(nTrain);
  fillPermutation(order, permutationKey(seed, STREAM.ORDER, epoch));
  return order;
}

function checkEpochs(epochs: number): void {
  if (!Number.isSafeInteger(epochs) || epochs < 1) throw new RangeError(`epochs must be a whole number of at least 1, not ${epochs}.`);
}

async function openGpu(gpu: Gpu | GPUDevice | undefined): Promise<Gpu> {
  if (gpu instanceof Gpu) return gpu;
  if (gpu !== undefined) return Gpu.borrow(gpu);
  const adapter = await globalThis.navigator?.gpu?.requestAdapter();
  if (!adapter)
    throw new DotbiasError("No WebGPU here: in Node, import from 'dotbias/node'; in a browser, use one with WebGPU, or pass `gpu`.");
  return Gpu.open(adapter);
}
