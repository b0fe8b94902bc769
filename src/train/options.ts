import { adam } from '../../shaders/ops/adam.js';
import { type LossOp, mse } from '../../shaders/ops/loss.js';
import { checkOptimizer, type OptimizerOp } from '../../shaders/ops/optimizer.js';
import { type RangeOp, rangeOf } from '../../shaders/ops/range.js';
import { dotProduct, type ScoreOp } from '../../shaders/ops/score.js';
import { checkChoice, checkNotNegative, checkOptions, checkRange, checkSeed, checkWhole, show } from '../base/check.js';
import type { CollabData } from '../data/collab-data.js';
import { rangeNotes, unknownNotes } from '../data/notes.js';
import { rangeOfRatings } from '../data/rating-range.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Tables } from '../model/layout.js';
import type { UnknownUser } from '../model/rows.js';
import type { Ring } from '../base/ring.js';
import type { EpochOrder } from './order.js';
import { type BatchesOn, type StepOptions, STEPPER_NAMES, type StepperFactory, type StepperName } from '../steps/stepper.js';

/** Whose constants of optimiser and schedule to take where none are given. */
export type Defaults = 'fastai1' | 'fastai2';

/** Remembers what was measured on a device. */
export interface CalibrationStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

/** What `collabLearner` makes, and how it trains; all optional. */
export interface LearnerOptions {
  /** Length of a user's and an item's vector. Default 50. */
  nFactors?: number | undefined;
  /**
   * Predictions lie in (lo, hi) through a sigmoid; null: they are the raw score. Default: a little more than the training
   * ratings, 0 to 5.5 for 1 to 5; see `rangeOfRatings`.
   */
  yRange?: readonly [lo: number, hi: number] | null | undefined;
  /** False: a model of factors only. Default true. */
  bias?: boolean | undefined;
  /** Decoupled weight decay of the factors. Default 0.01, as fastai. */
  wd?: number | undefined;
  /** Decoupled weight decay of the biases. Default: `wd`, as fastai. */
  wdBias?: number | undefined;
  /** fastai1: eps 1e-8, peak at 30 % of the steps. fastai2: eps 1e-5, peak at 25 %. Default 'fastai1'. */
  defaults?: Defaults | undefined;
  /** Adam's constants, see `adam`. Default: beta2 0.99, eps that of `defaults`. Another optimiser has its own. */
  beta2?: number | undefined;
  eps?: number | undefined;
  /** How well a user and an item go together. Default `dotProduct`. */
  score?: ScoreOp | undefined;
  /** The prediction from the raw score, instead of `yRange`. */
  range?: RangeOp | undefined;
  /** Default `mse`. */
  loss?: LossOp | undefined;
  /** Default `adam`. */
  optimizer?: OptimizerOp | undefined;
  /** As what a user whom training never saw is predicted, in validation too; see `UnknownUser`. Default 'mean'; fastai: 'na'. */
  unknownUser?: UnknownUser | undefined;
  /** Integer in [0, 2^32) that decides the starting values and the order of each epoch. Default: the data's. */
  seed?: number | undefined;
  /** Starting values instead of those drawn from `seed`; row 0 of each table is `#na#`. */
  init?: Tables | undefined;
  /**
   * Order of the training rows in each epoch (counted over the learner's life), instead of one drawn from `seed`: the rows
   * 0 to nTrain - 1, each once.
   */
  order?: EpochOrder | undefined;
  /**
   * Blocks that users, and items, are dealt to, so that parts of the model can train side by side; see `Strata`. Their number decides
   * the order of the epochs, and with it the result. Default: 1, the plain order; 8, or else 16, where one binding of the device does
   * not hold the model.
   */
  strata?: number | undefined;
  /**
   * Parts that the model is trained in, one after the other on this device; their number divides that of the strata, and changes no
   * result. With a `ring` those of all ranks together, equally many on each. Default: as few as one binding asks for.
   */
  parts?: number | undefined;
  /**
   * The processes that train this model together, each with equally many of its parts; every rank makes the same calls, with the same
   * options and data. Strata are then a multiple of the ranks, 8 by default where that is one. Default: this process alone.
   */
  ring?: Ring | undefined;
  /** With strata: how often in an epoch each block of users meets each block of items. Default 2. */
  passes?: number | undefined;
  /**
   * How steps are made; all of ours give the same numbers up to rounding. Default: lazy where it can do what is asked, else
   * dense. 'auto': the fastest by a short trial, remembered by adapter and sizes. Or one of your own.
   */
  stepper?: StepperName | 'auto' | StepperFactory | undefined;
  /**
   * Where batches are made: by the device itself, so that the host's work does not grow with them, or by the host. Of the same
   * words, but for the order in which losses are summed. Default: on the device where it is hardware, steps are lazy, and
   * the order of the epochs is ours.
   */
  batches?: BatchesOn | undefined;
  /**
   * Training steps of one submission to the device, at most an epoch: progress is told, and an abort answered, between two of
   * them. Where submissions end may decide the last bits of a result. Default: by sizes, see ARCHITECTURE.md.
   */
  stepsPerSubmission?: number | undefined;
  /** Where 'auto' keeps what it measured. Default: in memory, for the life of the process. */
  calibrations?: CalibrationStore | undefined;
  /** The device to train on: ours, or a `GPUDevice` that is borrowed. Default: one opened for this learner, which `release` ends. */
  gpu?: Gpu | GPUDevice | undefined;
}

const KNOWN: readonly (keyof LearnerOptions)[] = [
  ...(['nFactors', 'yRange', 'bias', 'wd', 'wdBias', 'defaults', 'beta2', 'eps', 'score', 'range', 'loss', 'optimizer'] as const),
  ...([
    'unknownUser',
    'seed',
    'init',
    'order',
    'strata',
    'passes',
    'parts',
    'ring',
    'stepper',
    'batches',
    'stepsPerSubmission',
    'calibrations',
    'gpu',
  ] as const),
];

/** Options that have been checked, with nothing left to default. */
export interface CheckedOptions {
  readonly step: StepOptions;
  readonly nFactors: number;
  readonly hasBias: boolean;
  readonly defaults: Defaults;
  readonly unknownUser: UnknownUser;
  readonly seed: number;
  /** What to say of the ratings. */
  readonly notes: readonly string[];
}

/**
 * Checks the options of a learner, before anything is opened or allocated.
 * @throws TypeError for an option that does not exist, or two that exclude each other; RangeError for a value out of range; DataError for
 *   ratings of which no range can be made
 */
export function checkLearnerOptions(data: CollabData, options: LearnerOptions): CheckedOptions {
  checkOptions('collabLearner', options, KNOWN);
  const { nFactors = 50, bias = true, defaults = 'fastai1', unknownUser = 'mean', seed = data.seed } = options;
  checkWhole('nFactors', nFactors, 1, MAX_FACTORS);
  checkChoice('bias', bias, [true, false]);
  checkChoice('defaults', defaults, ['fastai1', 'fastai2']);
  checkChoice('unknownUser', unknownUser, ['mean', 'na']);
  checkSeed(seed);
  checkStepper(options);
  checkBatches(options);
  checkParts(options);
  const step = stepOptions(data, options, defaults);
  const isFromData = options.range === undefined && options.yRange === undefined;
  return {
    step,
    nFactors,
    hasBias: bias,
    defaults,
    unknownUser,
    seed,
    notes: [
      ...data.notes,
      ...unknownNotes(data),
      ...(data.share?.rangeNotes(step.range.bounds) ?? rangeNotes(data, step.range.bounds, isFromData)),
    ],
  };
}

function checkStepper({ stepper, ring }: LearnerOptions): void {
  if (stepper === undefined) return;
  if (stepper === 'auto' && ring && ring.size > 1)
    throw new RangeError("stepper cannot be 'auto' on ranks, which might choose differently.");
  if (typeof stepper !== 'object' || stepper === null) return checkChoice('stepper', stepper, ['auto', ...STEPPER_NAMES]);
  if (typeof stepper.name !== 'string' || typeof stepper.create !== 'function') {
    throw new TypeError('A stepper of your own must be a StepperFactory, with a name and create.');
  }
}

function checkBatches({ batches, order, stepper }: LearnerOptions): void {
  if (batches === undefined) return;
  checkChoice('batches', batches, ['device', 'host']);
  if (batches === 'host') return;
  if (order !== undefined) throw new RangeError("The device makes batches of its own order only: give no order, or batches: 'host'.");
  if (typeof stepper === 'object' || stepper === 'dense' || stepper === 'unfused') {
    throw new RangeError(`Only lazy and persistent steps can have their batches made on the device, not ${nameOf(stepper)}.`);
  }
}

/** The most strata: a round of more has few ratings for each. */
export const MOST_STRATA = 256;

/** @throws RangeError for a number of strata or passes that is out of range */
export function checkStrata(strata: number, passes: number): void {
  checkWhole('strata', strata, 1, MOST_STRATA);
  checkWhole('passes', passes, 1, MOST_STRATA);
}

function checkParts({ strata, passes, parts, order, batches }: LearnerOptions): void {
  checkStrata(strata ?? 1, passes ?? 1);
  if ((strata ?? 1) === 1 && passes !== undefined && passes > 1) {
    throw new RangeError(`An order without strata has no passes: give strata of at least 2 with passes ${passes}.`);
  }
  if (strata !== undefined && strata > 1 && order !== undefined) {
    throw new TypeError('Strata are an order of their own: give either strata or order, not both.');
  }
  if (strata !== undefined && strata > 1 && batches === 'device') {
    throw new RangeError("Batches of strata are made by the host: give batches: 'host', or strata: 1.");
  }
  if (parts === undefined) return;
  checkWhole('parts', parts);
  if ((strata ?? 1) % parts !== 0) throw new RangeError(`parts must divide strata, and ${parts} does not divide ${strata ?? 1}.`);
}

const nameOf = (stepper: string | StepperFactory) => (typeof stepper === 'string' ? stepper : stepper.name);

/** A vector of a million numbers is a mistake. */
export const MAX_FACTORS = 65_536;

function stepOptions({ batchSize, train, share }: CollabData, options: LearnerOptions, defaults: Defaults): StepOptions {
  const { yRange, wd = 0.01, wdBias = wd, score = dotProduct, loss = mse, beta2, eps, stepsPerSubmission } = options;
  if (options.range !== undefined && yRange !== undefined) {
    throw new TypeError('Give either yRange, the bounds of the usual sigmoid, or a range op of your own, not both.');
  }
  if (yRange !== undefined && yRange !== null) checkRange('yRange', yRange);
  checkNotNegative('wd', wd);
  checkNotNegative('wdBias', wdBias);
  if (stepsPerSubmission !== undefined) checkWhole('stepsPerSubmission', stepsPerSubmission);
  const [name] = Object.entries({ beta2, eps }).find(([, value]) => value !== undefined) ?? [];
  if (options.optimizer !== undefined && name !== undefined) {
    throw new TypeError(`${name} is a constant of the default optimiser: give it to yours, such as adam({ ${name} }).`);
  }
  const adamOptions = { ...(beta2 !== undefined && { beta2 }), eps: eps ?? (defaults === 'fastai1' ? 1e-8 : 1e-5) };
  const optimizer = options.optimizer ?? adam(adamOptions);
  checkOptimizer(optimizer);
  const range = options.range ?? rangeOf(yRange === undefined ? rangeOfRatings(share?.whole.ranges.train ?? train.ratings) : yRange);
  for (const [what, op] of Object.entries({ score, range, loss })) {
    if (typeof op?.wgsl !== 'string' || typeof op.value !== 'function' || typeof op.grad !== 'function') {
      throw new TypeError(`${what} must be an op, with the text wgsl and the functions value and grad, not ${show(op)}.`);
    }
  }
  return { batchSize, score, range, loss, optimizer, wd, wdBias, ...(stepsPerSubmission !== undefined && { stepsPerSubmission }) };
}
