/**
 * Learning-rate and momentum schedules: plain tables with one entry per step, computed on the host in float64 before
 * training starts.
 */

/** What every step of a fit runs with, and what the optimiser is left with when the fit is over. */
export interface Schedule {
  /** Learning rate in force while step k runs. */
  lr: Float64Array;
  /** Momentum (Adam's beta1) in force while step k runs. */
  beta1: Float64Array;
  /** The values left in the optimiser after the last step. */
  end: { lr: number; beta1: number };
}

/** Arguments of `oneCycle`. */
export interface OneCycleOptions {
  /** Steps of the whole fit: epochs times batches per epoch. */
  totalSteps: number;
  /** The peak learning rate. */
  lrMax: number;
  /** The first step runs at `lrMax / divFactor`. Default 25. */
  divFactor?: number;
  /** The rate falls towards `lrMax / finalDiv`. Default `divFactor * 1e4` (fastai1) or 1e5 (fastai2). */
  finalDiv?: number;
  /** Share of the steps spent rising, 0 to 1. Default 0.3 (fastai1) or 0.25 (fastai2). */
  pctStart?: number;
  /** Momentum at the ends and at the peak. Default [0.95, 0.85]. */
  moms?: readonly [number, number];
  /** Whose steps to reproduce. Default 'fastai1'. */
  defaults?: 'fastai1' | 'fastai2';
}

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
 * @throws RangeError if an argument is out of range.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { totalSteps, lrMax, defaults = 'fastai1', divFactor = 25, moms = [0.95, 0.85] } = options;
  if (defaults !== 'fastai1' && defaults !== 'fastai2') {
    throw new RangeError(`defaults must be 'fastai1' or 'fastai2', not ${String(defaults)}.`);
  }
  const { finalDiv = defaults === 'fastai1' ? divFactor * 1e4 : 1e5 } = options;
  const { pctStart = defaults === 'fastai1' ? 0.3 : 0.25 } = options;
  checkCount('totalSteps', totalSteps);
  checkPositive('lrMax', lrMax);
  checkPositive('divFactor', divFactor);
  checkPositive('finalDiv', finalDiv);
  if (!(pctStart >= 0 && pctStart <= 1)) throw new RangeError(`pctStart must lie in [0, 1], not ${pctStart}.`);
  if (moms.length !== 2) throw new RangeError(`moms must be two numbers (ends, peak), not ${moms.length}.`);
  moms.forEach((mom, i) => checkMomentum(`moms[${i}]`, mom));

  const position = defaults === 'fastai1' ? wholeSteps(totalSteps, pctStart) : exactShare(totalSteps, pctStart);
  const at = (k: number) => {
    const { rising, p } = position(k);
    return rising
      ? { lr: cosine(lrMax / divFactor, lrMax, p), beta1: cosine(moms[0], moms[1], p) }
      : { lr: cosine(lrMax, lrMax / finalDiv, p), beta1: cosine(moms[1], moms[0], p) };
  };
  return tabulate(totalSteps, at, at(defaults === 'fastai1' ? totalSteps : totalSteps - 1));
}

/**
 * The same learning rate and momentum at every step: fastai's `fit`.
 * @throws RangeError if an argument is out of range.
 */
export function constant({ totalSteps, lr, beta1 = 0.9 }: { totalSteps: number; lr: number; beta1?: number }): Schedule {
  checkCount('totalSteps', totalSteps);
  checkPositive('lr', lr);
  checkMomentum('beta1', beta1);
  return tabulate(totalSteps, () => ({ lr, beta1 }), { lr, beta1 });
}

/** Arguments of `lrSweep`. */
export interface LrSweepOptions {
  /** Learning rate of the first step. Default 1e-7. */
  startLr?: number;
  /** Learning rate that the step after the last would have. Default 10. */
  endLr?: number;
  /** Number of steps, at least 7 (the finder drops the last five and needs two). Default 100. */
  numIt?: number;
  /** Default 0.9. */
  beta1?: number;
}

/**
 * The learning-rate finder's sweep: lr[k] = startLr (endLr/startLr)^(k/numIt), constant momentum. As in fastai, endLr
 * itself is never run with.
 * @throws RangeError if an argument is out of range or `endLr <= startLr`.
 */
export function lrSweep({ startLr = 1e-7, endLr = 10, numIt = 100, beta1 = 0.9 }: LrSweepOptions = {}): Schedule {
  checkPositive('startLr', startLr);
  checkPositive('endLr', endLr);
  if (endLr <= startLr) throw new RangeError(`endLr (${endLr}) must be greater than startLr (${startLr}).`);
  checkCount('numIt', numIt, 7);
  checkMomentum('beta1', beta1);
  return tabulate(numIt, (k) => ({ lr: startLr * (endLr / startLr) ** (k / numIt), beta1 }), { lr: endLr, beta1 });
}

type Point = Schedule['end'];

/** Where step k stands: in which phase, and how far through it (0 to 1). */
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

function checkCount(name: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, not ${value}.`);
  }
}

function checkPositive(name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new RangeError(`${name} must be a positive number, not ${value}.`);
}

function checkMomentum(name: string, value: number): void {
  if (!(value >= 0 && value < 1)) throw new RangeError(`${name} must lie in [0, 1), not ${value}.`);
}
