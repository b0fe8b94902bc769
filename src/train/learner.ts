import { asWritten } from '../base/decimal.js';
import { CollabModel } from '../answer/collab-model.js';
import { knownPairs, namedItem } from '../answer/trained-model.js';
import { checkOptions, checkWhole, MAX_STEPS } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import type { CollabData } from '../data/collab-data.js';
import type { Id } from '../data/ids.js';
import type { ModelTables } from '../model/tables.js';
import type { LrFinderResult } from '../schedule/lr-finder.js';
import { constant, oneCycle, type Schedule } from '../schedule/schedule.js';
import type { Stepping } from './choose-stepper.js';
import type { EpochRecord, FittedLearner, History } from './fit.js';
import { lrFinder, type LrFindOptions } from './lr-find.js';
import type { CheckedOptions, Defaults } from './options.js';
import { FIT_OPTIONS, type FitOptions, runFit } from './run-fit.js';
import { streamFit, type TrainEvent } from './stream.js';
import type { Trainer } from './trainer.js';
import type { Validation, Validator } from './validator.js';

/** The shape of the 1-cycle schedule, see `oneCycle`. */
export interface OneCycleFitOptions extends FitOptions {
  /** Start at lrMax / divFactor. Default 25. */
  divFactor?: number | undefined;
  /** End near lrMax / finalDiv. Default: that of the learner's `defaults`. */
  finalDiv?: number | undefined;
  /** Share of the steps in which the rate rises. Default: that of the learner's `defaults`. */
  pctStart?: number | undefined;
  /** beta1 at the ends and at the peak. Default [0.95, 0.85]. */
  moms?: readonly [number, number] | undefined;
}

/** A validation rating beside its prediction. */
export interface ShownResult {
  user: Id;
  item: Id;
  title?: string | undefined;
  rating: number;
  prediction: number;
}

/** A model in training: fits, finds learning rates and validates. Made by `collabLearner`. */
export class CollabLearner extends CollabModel implements FittedLearner {
  readonly history: History = { losses: [], smoothLosses: [], lrs: [], beta1s: [], epochs: [] };
  readonly defaults: Defaults;
  readonly seed: number;
  /** What should be known of the ratings before results are read, such as that no prediction can reach some, in sentences. */
  readonly notes: readonly string[];
  /** beta1 of a fastai2 fit without a schedule: what the last fit left, 0.9 at first. */
  beta1 = 0.9;
  /** The errors on the validation ratings of an earlier version of the parameters. */
  #measured: { version: number; valid: Validation } | undefined;
  /** What is going on now, and must end before anything else that changes the model begins. */
  #running: string | undefined;

  /** @internal */
  constructor(
    tables: ModelTables,
    readonly data: CollabData,
    { step: { score, range }, defaults, unknownUser, seed, notes }: CheckedOptions,
    /** How steps are made, and why. */
    readonly stepping: Stepping,
    readonly trainer: Trainer,
    private readonly validator: Validator,
    ownsGpu: boolean,
  ) {
    const { users, items, train, valid, titles } = data;
    super(tables, { users, items, train, valid: knownPairs(valid), score, range, unknownUser, titles }, ownsGpu);
    this.defaults = defaults;
    this.seed = seed;
    this.notes = notes;
  }

  /**
   * Trains `epochs` epochs with the 1-cycle policy up to `lrMax`. A later fit continues with the optimiser's state.
   *
   * @param lrMax default 3e-3
   * @returns the records of the epochs made, also of those before a resume; fewer if `signal` or a callback ended the fit
   * @throws DivergedError as soon as a loss or, at the end of an epoch, a parameter is not finite (the model is then unusable,
   *   but for `keepBest`);
   *   FileFormatError if `resume` belongs to another run; DotbiasError while another fit or lrFind runs
   */
  async fitOneCycle(epochs: number, lrMax = 3e-3, options: OneCycleFitOptions = {}): Promise<EpochRecord[]> {
    checkOptions('fitOneCycle', options, [...FIT_OPTIONS, 'divFactor', 'finalDiv', 'pctStart', 'moms']);
    const { divFactor, finalDiv, pctStart, moms } = options;
    const shape = { divFactor, finalDiv, pctStart, moms };
    const schedule = oneCycle({ totalSteps: this.#stepsOf(epochs), lrMax, defaults: this.defaults, ...shape });
    return this.#fit('fitOneCycle', schedule, { policy: 'fitOneCycle', epochs, lrMax, ...shape }, options);
  }

  /** Trains `epochs` epochs at a constant learning rate, 3e-3 by default; otherwise as `fitOneCycle`. */
  async fit(epochs: number, lr = 3e-3, options: FitOptions = {}): Promise<EpochRecord[]> {
    checkOptions('fit', options, FIT_OPTIONS);
    const beta1 = this.defaults === 'fastai1' ? 0.9 : ((options.resume?.plan['beta1'] as number | undefined) ?? this.beta1);
    const schedule = constant({ totalSteps: this.#stepsOf(epochs), lr, beta1 });
    return this.#fit('fit', schedule, { policy: 'fit', epochs, lr, beta1 }, options);
  }

  /**
   * As `fitOneCycle`, with the same options, but as a sequence of events: losses and learning rates of every submission, and the
   * record of every epoch.
   *
   *     for await (const event of learn.stream(5, 0.01)) if (event.type === 'epoch') console.log(event.record.validLoss);
   *
   * Training begins when the first event is asked for. It rests after each epoch until the event after that one is asked for, so
   * that the loop's body finds the model of the epoch's end, and a slow loop holds training up instead of filling memory: no more
   * than an epoch's events ever wait, and none is lost. To leave the loop is to abort: the fit stops before its next
   * submission (at an epoch's event: there), and the learner is free again when the loop has been left. A `signal` ends the loop
   * too, after the events of the steps that were made. An error in training is thrown by the loop, after the events before it.
   *
   * @returns after the last event, what `fitOneCycle` returns
   * @throws as `fitOneCycle`, when the first event is asked for
   */
  stream(epochs: number, lrMax = 3e-3, options: OneCycleFitOptions = {}): AsyncGenerator<TrainEvent, EpochRecord[], void> {
    return streamFit((hooked) => this.fitOneCycle(epochs, lrMax, hooked), options);
  }

  #stepsOf(epochs: number): number {
    const { stepsPerEpoch } = this.trainer;
    checkWhole('epochs', epochs);
    if (epochs * stepsPerEpoch <= MAX_STEPS) return epochs * stepsPerEpoch;
    const most = Math.floor(MAX_STEPS / stepsPerEpoch);
    throw new RangeError(
      `epochs must be at most ${most} here, not ${epochs}: ` +
        `a fit has at most ${MAX_STEPS} steps, and an epoch ${stepsPerEpoch}; make several fits.`,
    );
  }

  #fit(what: string, schedule: Schedule, plan: Readonly<Record<string, unknown>>, options: FitOptions): Promise<EpochRecord[]> {
    return this.#alone(what, async () => {
      const { fit, done } = await runFit(this, this.validator, schedule, plan, options);
      this.beta1 = done === schedule.lr.length ? schedule.end.beta1 : schedule.beta1[Math.max(0, done - 1)];
      return fit.records;
    });
  }

  /**
   * The LR range test (Smith 2017) as fastai runs it: the learning rate grows geometrically from step to step until the
   * loss explodes. Model, optimiser and position in the data are afterwards what they were, bit for bit.
   *
   * @returns rates, smoothed losses and suggestions; see `LrFinderResult`
   * @throws RangeError for a wrong option; DotbiasError while a fit or another lrFind runs; the reason of `signal` if that aborts
   *   the sweep before its last step
   */
  async lrFind(options: LrFindOptions = {}): Promise<LrFinderResult> {
    const beta1 = this.defaults === 'fastai1' ? 0.9 : this.beta1;
    return this.#alone('lrFind', lrFinder(this, beta1, options));
  }

  /**
   * Errors on the validation set with the model as it is now; NaN where a number is not finite.
   * @throws RangeError without validation ratings
   */
  async validate(): Promise<Validation> {
    this.throwIfReleased();
    if (this.data.nValid === 0) throw new RangeError('There are no validation ratings, so that nothing can be measured.');
    return (await this.#measure()).valid;
  }

  /** As of a model, by the validation ratings: undefined if there are none, or if their error is not finite or 0. */
  override async residualVariance(): Promise<number | undefined> {
    if (this.data.nValid === 0) return undefined;
    this.#measured = this.#measured?.version === this.embeddings.version ? this.#measured : await this.#measure();
    const { mse } = this.#measured.valid;
    return Number.isFinite(mse) && mse > 0 ? mse : undefined;
  }

  async #measure(): Promise<{ version: number; valid: Validation }> {
    const { version } = this.embeddings;
    return (this.#measured = { version, valid: (await this.validator.run()).valid });
  }

  /** The first `n` validation ratings, all if they are fewer, beside their predictions. @throws RangeError unless n is at least 1 */
  async showResults(n = 10): Promise<ShownResult[]> {
    checkWhole('n', n);
    const { valid, users, nValid } = this.data;
    const count = Math.min(n, nValid);
    const predictions = await this.predictRows(valid.users.subarray(0, count), valid.items.subarray(0, count));
    return Array.from(predictions, (prediction, k) => {
      const { item, ...title } = namedItem(this, valid.items[k]);
      return { user: users.idOf(valid.users[k]), item, ...title, rating: asWritten(valid.ratings[k]), prediction };
    });
  }

  /**
   * Gives all memory back, and ends the device if it was opened for this learner. A second time does nothing.
   * @throws DotbiasError while a fit or lrFind runs
   */
  override release(): void {
    this.#refuseWhileRunning('release');
    this.trainer.release();
    this.validator.release();
    super.release();
  }

  /** Runs work that changes the model; reading it meanwhile is allowed. */
  async #alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.throwIfReleased();
    this.#refuseWhileRunning(what);
    this.#running = what;
    try {
      return await work();
    } finally {
      this.#running = undefined;
    }
  }

  #refuseWhileRunning(what: string): void {
    if (this.#running === undefined) return;
    throw new DotbiasError(
      `${what} cannot begin while ${this.#running} of the same learner is under way: await that first, or leave its loop.`,
    );
  }
}
