import { type Command, Option } from 'commander';
import type { LearnerOptions } from '../../train/learner.js';
import type { StepperName } from '../../steps/stepper.js';
import { integer, notNegative, positive, rangeOrNone } from './numbers.js';
import { applyPresets, PRESETS } from './presets.js';

/** The shape of a model. */
export interface ShapeFlags {
  factors: number;
  yRange: [lo: number, hi: number] | 'none';
  bias: boolean;
}

/** What is trained, and how a step is made. */
export interface ModelFlags extends ShapeFlags {
  wd: number;
  wdBias?: number;
  eps?: number;
  /** A key of PRESETS. */
  preset: string;
  stepper?: StepperName | 'auto';
}

export function addShapeOptions(command: Command): Command {
  return command
    .option('--factors <n>', "length of a user's and an item's vector", integer(1), 40)
    .addOption(
      new Option('--y-range <lo,hi>', "predictions lie between these, through a sigmoid; 'none' for raw scores")
        .argParser(rangeOrNone)
        .default([0, 5.5], '0,5.5'),
    )
    .option('--no-bias', 'factors only, without biases');
}

export function addModelOptions(command: Command): Command {
  return applyPresets(addShapeOptions(command))
    .option('--wd <x>', 'weight decay of the factors', notNegative, 0.1)
    .option('--wd-bias <x>', 'weight decay of the biases (default: as --wd)', notNegative)
    .option('--eps <x>', "Adam's eps: larger ones damp the steps of rows with few ratings (default: 1e-8, fastai2 1e-5)", positive)
    .addOption(
      new Option(
        '--preset <name>',
        'fastai1, fastai2: defaults of Adam and of the 1-cycle schedule; best: --factors 100 --wd 0.21 --wd-bias 0 --eps 2e-4 --y-range 0.2,5.4 --epochs 8 --lr 0.00245, where not given otherwise',
      )
        .choices(Object.keys(PRESETS))
        .default('fastai1'),
    )
    .addOption(
      new Option(
        '--stepper <name>',
        'how steps are made; all give the same numbers up to rounding; auto: the fastest by a short trial, remembered (default: lazy where possible, else dense)',
      ).choices(['auto', 'lazy', 'persistent', 'dense', 'unfused']),
    );
}

/** A range as the API takes it. */
export function rangeOption({ yRange }: ShapeFlags): [lo: number, hi: number] | null {
  return yRange === 'none' ? null : yRange;
}

export function learnerOptions(flags: ModelFlags): LearnerOptions {
  const { factors, wd, wdBias, eps, bias, preset, stepper } = flags;
  return {
    nFactors: factors,
    wd,
    yRange: rangeOption(flags),
    bias,
    defaults: PRESETS[preset].defaults,
    ...(wdBias !== undefined && { wdBias }),
    ...(eps !== undefined && { eps }),
    ...(stepper && { stepper }),
  };
}
