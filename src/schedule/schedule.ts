/**
 * Schedules of the learning rate and of the momentum: tables with one entry per step, computed on the host in float64
 * before training begins.
 */
import { checkChoice, checkOptions, checkPositive, checkShare, checkWhole, MAX_STEPS } from '../base/check.js';

/** The rates of every step of a fit, and those that the fit leaves in the optimiser. */
export interface Schedule {
  /** Learning rate while step k runs, [nSteps]. */
  lr: Float64Array;
  /** Momentum (Adam's beta1) while step k runs, [nSteps]. */
  beta1: Float64Array;
  /** The values left in the optimiser after the last step. */
  end: { lr: number; beta1: number };
}

/** Arguments of `oneCycle`. */
export interface OneCycleOptions {
  /** Steps of the whole fit: epochs times batches per epoch, at most ten million. */
  totalSteps: number;
  /** The peak learning rate, above 0. */
  lrMax: number;
  /** The first step runs at `lrMax / divFactor`. Default 25. */
  divFactor?: number | undefined;
  /** The rate falls towards `lrMax / finalDiv`. Default `divFactor * 1e4` (fastai1) or 1e5 (fastai2). */
  finalDiv?: number | undefined;
  /** Share of the steps in which the rate rises, in [0, 1]. Default 0.3 (fastai1) or 0.25 (fastai2). */
  pctStart?: number | undefined;
  /** Momentum at both ends and at the peak, each in [0, 1). Default [0.95, 0.85]. */
  moms?: readonly [ends: number, peak: number] | undefined;
  /** The fastai version whose schedule and constants to use. Default 'fastai1'. */
  defaults?: 'fastai1' | 'fastai2' | undefined;
}

const ONE_CYCLE_OPTIONS: readonly (keyof OneCycleOptions)[] = [
  'totalSteps',
  'lrMax',
  'divFactor',
  'finalDiv',
  'pctStart',
  'moms',
  'defaults',
];

/**
 * The one-cycle schedule (Smith 2018) as fastai runs it: cosine up from `lrMax / divFactor` to `lrMax`, cosine down
 * towards `lrMax / finalDiv`, momentum the other way round. With cos(a, b, p) = b + (a - b)/2 (1 + cos(pi p)):
 *
 * - fastai1: phases of whole steps, up = floor(totalSteps pctStart) and down = totalSteps - up, each at least 1.
 *   Step k <= up is at p = k/up, a later one at p = (k - up)/down: the peak is exactly at step `up`. `end` is the
 *   value at k = totalSteps, set after the last batch.
 * - fastai2: position k/totalSteps, the peak at `pctStart` whether or not a step falls on it. `end` is the last step's
 *   value. (fastai itself evaluates the position in float32 and so deviates from this by up to 3e-5 relative.)
 *
 * @throws RangeError if an argument is out of range, TypeError for an option that does not exist
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  checkOptions('oneCycle', options, ONE_CYCLE_OPTIONS);
  const { totalSteps, lrMax, defaults = 'fastai1', divFactor = 25, moms = [0.95, 0.85] } = options;
  checkChoice('defaults', defaults, ['fastai1', 'fastai2']);
  const { finalDiv = defaults === 'fastai1' ? divFactor * 1e4 : 1e5 } = options;
  const { pctStart = defaults === 'fastai1' ? 0.3 : 0.25 } = options;
  checkSteps('totalSteps', totalSteps);
  checkPositive('lrMax', lrMax);
  checkPositive('divFactor', divFactor);
  checkPositive('finalDiv', finalDiv);
  if (!(pctStart >= 0 && pctStart <= 1)) throw new RangeError(`pctStart must lie in [0, 1], not ${pctStart}.`);
  if (moms.length !== 2) throw new RangeError(`moms must be two numbers, [ends, peak], not ${moms.length}.`);
  moms.forEach((mom, i) => checkShare(`moms[${i}]`, mom));

  const position = defaults === 'fastai1' ? wholeSteps(totalSteps, pctStart) : exactShare(totalSteps, pctStart);
  const at = (k: number) => {
    const { rising, p } = position(k);
    return rising
      ? { lr: cosine(lrMax / divFactor, lrMax, p), beta1: cosine(moms[0], moms[1], p) }
      : { lr: cosine(lrMax, lrMax / finalDiv, p), beta1: cosine(moms[1], moms[0], p) };
  };
  return tabulate(totalSteps, at, at(defaults === 'fastai1' ? totalSteps : totalSteps - 1));
}

/** Arguments of `constant`. */
export interface ConstantOptions {
  /** Steps of the whole fit: epochs times batches per epoch, at most ten million. */
  totalSteps: number;
  /** The learning rate, above 0. */
  lr: number;
  /** Momentum, in [0, 1). Default 0.9. */
  beta1?: number | undefined;
}

/**
 * The same learning rate and momentum at every step, as in fastai's `fit`.
 *
 * @throws RangeError if an argument is out of range, TypeError for an option that does not exist
 */
export function constant(options: ConstantOptions): Schedule {
  checkOptions('constant', options, ['totalSteps', 'lr', 'beta1']);
  const { totalSteps, lr, beta1 = 0.9 } = options;
  checkSteps('totalSteps', totalSteps);
  checkPositive('lr', lr);
  checkShare('beta1', beta1);
  return tabulate(totalSteps, () => ({ lr, beta1 }), { lr, beta1 });
}

/** Arguments of `lrSweep`. */
export interface LrSweepOptions {
  /** Learning rate of the first step, above 0. Default 1e-7. */
  startLr?: number | undefined;
  /** Learning rate that the step after the last would have, above `startLr`. Default 10. */
  endLr?: number | undefined;
  /** Number of steps: at least 7, since the finder ignores the last five and needs two others; at most a million. Default 100. */
  numIt?: number | undefined;
  /** Momentum, in [0, 1). Default 0.9. */
  beta1?: number | undefined;
}

/**
 * The sweep of the learning-rate finder (Smith 2017): lr[k] = startLr (endLr/startLr)^(k/numIt) at constant momentum. As in
 * fastai, no step runs at endLr itself.
 *
 * @throws RangeError if an argument is out of range, TypeError for an option that does not exist
 */
export function lrSweep(options: LrSweepOptions = {}): Schedule {
  checkOptions('lrSweep', options, ['startLr', 'endLr', 'numIt', 'beta1']);
  const { startLr = 1e-7, endLr = 10, numIt = 100, beta1 = 0.9 } = options;
  checkPositive('startLr', startLr);
  checkPositive('endLr', endLr);
  if (endLr <= startLr) throw new RangeError(`endLr (${endLr}) must be greater than startLr (${startLr}).`);
  checkWhole('numIt', numIt, 7, MAX_SWEEP_STEPS);
  checkShare('beta1', beta1);
  return tabulate(numIt, (k) => ({ lr: startLr * (endLr / startLr) ** (k / numIt), beta1 }), { lr: endLr, beta1 });
}

/** The most steps of a sweep. */
export const MAX_SWEEP_STEPS = 1_000_000;

type Point = Schedule['end'];

/** The phase that step k is in, and how far through it (0 to 1). */
type Position = (k: number) => { rising: boolean; p: number };

function wholeSteps(totalSteps: number, pctStart: number): Position {
  const rise = Math.floor(totalSteps * pctStart);
  const up = Math.max(1, rise);
  const down = Math.max(1, totalSteps - rise);
  return (k) => (k <= up ? { rising: true, p: k / up } : { rising: false, p: (k - up) / down });
}

function exactShare(totalSteps: number, pctStart: number): Position {
  return (k) => {
    const pos = k / totalSteps;
    return pos < pctStart ? { rising: true, p: pos / pctStart } : { rising: false, p: (pos - pctStart) / (1 - pctStart) };
  };
}

function cosine(from: number, to: number, p: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * p));
}

function tabulate(steps: number, at: (k: number) => Point, end: Point): Schedule {
  const lr = new Float64Array(steps);
  const beta1 = new Float64Array(steps);
  for (let k = 0; k < steps; k++) ({ lr: lr[k], beta1: beta1[k] } = at(k));
  return { lr, beta1, end };
}

/** Checked before anything is allocated for the steps. */
function checkSteps(name: string, value: number): void {
  checkWhole(name, value);
  if (value > MAX_STEPS) {
    throw new RangeError(`${name} is ${value}, but a schedule holds at most ${MAX_STEPS} steps; split the training into several fits.`);
  }
}
