import { type Command, Option } from 'commander';
import { MAX_STEPS } from '../../base/check.js';
import { calibrationFile } from '../../node/device/calibrations.js';
import { threadsFor } from '../../node/device/threads.js';
import { type BatchesOn, STEPPER_NAMES, type StepperName } from '../../steps/stepper.js';
import { type CollabData, USUAL_BATCH } from '../../data/collab-data.js';
import { extremes } from '../../data/rating-range.js';
import type { UnknownUser } from '../../model/rows.js';
import { type LearnerOptions, MAX_FACTORS, MOST_STRATA } from '../../train/options.js';
import { integer, notNegative, positive, rangeOrNone } from './numbers.js';
import { applyPresets, asFlags, PRESETS } from './presets.js';
import type { SplitFlags } from './split.js';

/** The shape of a model. */
export interface ShapeFlags {
  factors: number;
  /** Undefined: it follows from the ratings. */
  yRange?: [lo: number, hi: number] | 'none' | undefined;
  bias: boolean;
}

/** The shape of a model, and how it is trained. */
export interface ModelFlags extends ShapeFlags {
  wd: number;
  unknownUser: UnknownUser;
  wdBias?: number | undefined;
  eps?: number | undefined;
  /** A key of PRESETS. */
  preset: string;
  stepper?: StepperName | 'auto' | undefined;
  stepsPerSubmission?: number | undefined;
  batches?: BatchesOn | undefined;
  strata?: number | undefined;
  passes?: number | undefined;
}

/** Adds `ShapeFlags`. */
export function addShapeOptions(command: Command): Command {
  return command
    .option('--factors <n>', "length of a user's and an item's vector", integer(1, MAX_FACTORS), 40)
    .addOption(
      new Option(
        '--y-range <lo,hi>',
        "predictions lie between these, through a sigmoid; 'none' for raw scores " +
          '(default: a little more than the training ratings, 0,5.5 for ratings from 1 to 5)',
      ).argParser(rangeOrNone),
    )
    .option('--no-bias', 'factors only, without biases');
}

/** Adds `ModelFlags`. */
export function addModelOptions(command: Command): Command {
  return applyPresets(addShapeOptions(command))
    .addOption(
      new Option(
        '--unknown-user <what>',
        "as what a user whom training never saw is predicted. mean: the mean of the trained users; na: fastai's #na# row",
      )
        .choices(['mean', 'na'])
        .default('mean'),
    )
    .option('--wd <x>', 'weight decay of the factors', notNegative, 0.1)
    .option('--wd-bias <x>', 'weight decay of the biases (default: as --wd)', notNegative)
    .option('--eps <x>', "Adam's eps: larger ones damp the steps of rows with few ratings (default: 1e-8, fastai2 1e-5)", positive)
    .addOption(
      new Option(
        '--preset <name>',
        'fastai1, fastai2: their defaults of Adam and of the 1-cycle schedule; ' +
          `best: ${asFlags(PRESETS['best'])} and, ` +
          `where all ratings lie in 1 to 5, --y-range ${PRESETS['best'].yRange}; flags given beside it win`,
      )
        .choices(Object.keys(PRESETS))
        .default('fastai1'),
    )
    .addOption(
      new Option(
        '--stepper <name>',
        'how training steps are made; all steppers give the same numbers, up to rounding. ' +
          'auto: the fastest in a short trial, which is remembered (default: lazy where it is possible, else dense)',
      ).choices(['auto', ...STEPPER_NAMES]),
    )
    .addOption(
      new Option('--batches <where>', 'where batches are made (default: on the device if it is hardware, else on the host)').choices([
        'device',
        'host',
      ]),
    )
    .option(
      '--steps-per-submission <n>',
      'training steps that the device gets at once: progress is shown, and Ctrl-C answered, between two submissions ' +
        '(default: by the sizes of model and data)',
      integer(1, MAX_STEPS),
    )
    .option(
      '--strata <n>',
      'blocks that users, and items, are dealt to, so that parts of the model can train side by side: they decide the order of the ' +
        'epochs, and so the result; 8 is a good number (default: 1, the plain order)',
      integer(1, MOST_STRATA),
    )
    .option(
      '--passes <n>',
      'with --strata: how often in an epoch each block of users meets each of items (default: 2)',
      integer(1, MOST_STRATA),
    );
}

/** The range of predictions, as the API takes it, and where it is from. */
export interface RangeChoice {
  yRange: LearnerOptions['yRange'];
  from: string;
}

/** The range that was asked for; a preset's only for ratings from 1 to 5, which it was made for. */
export function rangeChoice({ yRange, preset }: Pick<ModelFlags, 'yRange' | 'preset'>, { train, share }: CollabData): RangeChoice {
  if (yRange === 'none') return { yRange: null, from: 'as asked for' };
  if (yRange !== undefined) return { yRange, from: 'as asked for' };
  const { yRange: ofPreset } = PRESETS[preset];
  const fromData = { yRange: undefined, from: 'from the training ratings' };
  if (ofPreset === undefined) return fromData;
  const [min, max] = share?.whole.ranges.train ?? extremes(train.ratings);
  if (min >= 1 && max <= 5) return { yRange: ofPreset, from: `of the preset ${preset}` };
  return { ...fromData, from: `${fromData.from}: that of the preset ${preset}, ${ofPreset.join(' to ')}, is for ratings from 1 to 5` };
}

/** The threads that suit the batches that the flags ask for, at most; see `threadsFor`. */
export function threadsOf({ factors, bias, batchSize = USUAL_BATCH }: ShapeFlags & Pick<SplitFlags, 'batchSize'>): number {
  return threadsFor({ batchSize, nFactors: factors, bias });
}

/** The flags as options of `collabLearner`. */
export function learnerOptions(flags: ModelFlags, data: CollabData): LearnerOptions {
  const { factors, bias, unknownUser, wd, wdBias, eps, preset, stepper, batches, stepsPerSubmission, strata, passes } = flags;
  const { defaults } = PRESETS[preset];
  const { yRange } = rangeChoice(flags, data);
  const how = { stepper, batches, stepsPerSubmission, strata, passes, calibrations: calibrationFile() };
  return { nFactors: factors, yRange, bias, unknownUser, wd, wdBias, eps, defaults, ...how };
}
