/**
 * The arithmetic of the learning-rate finder: when a sweep stops, and which learning rates it suggests. The learner runs
 * the batches; `lrSweep` gives the rates at which they run.
 */
import { checkOptions, checkWhole } from '../base/check.js';
import { SmoothLoss } from './smooth.js';

/** The learning rate that each rule of fastai v2 suggests (`minGradient`: of fastai v1). */
export interface LrSuggestions {
  /** Half-way through the longest descent of the loss. fastai's default. */
  valley: number;
  /** Where the loss falls fastest per unit of ln(lr), from where the valley begins. */
  steep: number;
  /** Walking left from the right end of the curve, the first rate at which its slope has levelled out. */
  slide: number;
  /** A tenth of the rate at the lowest loss from where the valley begins. */
  minimum: number;
  /** Where the loss falls fastest per step, from where the valley begins: fastai v1's "min numerical gradient". */
  minGradient: number;
}

/** A sweep, and the learning rates that it suggests. */
export interface LrFinderResult extends LrSuggestions {
  /** Learning rate of each batch that was run, [nRun]. */
  lrs: Float64Array;
  /** Smoothed loss after each batch that was run, the one that stopped the sweep included, [nRun]. */
  losses: Float64Array;
  /** Whether the sweep ran to its end or the loss exploded. */
  stopped: 'finished' | 'diverged';
}

/** Which points of a sweep count for `suggest`. */
export interface SuggestOptions {
  /** Steps that the sweep was meant to have, not how many it ran before the loss exploded. Default 100. */
  numIt?: number | undefined;
  /** Points ignored at the start. Default floor(numIt / 10), as in fastai v2; fastai v1 always ignores 10. */
  skipStart?: number | undefined;
  /** Points ignored at the end, where the loss explodes. Default 5. */
  skipEnd?: number | undefined;
  /**
   * True: `steep`, `minimum` and `minGradient` also see the points before the valley begins, as in fastai. Default false: there
   * the rates are too low to move the loss, and what moves it is which ratings are in a batch.
   */
  beforeValley?: boolean | undefined;
}

const SUGGEST_OPTIONS = ['numIt', 'skipStart', 'skipEnd', 'beforeValley'];

/**
 * Whether a sweep ends at this batch: the smoothed loss is more than four times the best so far, or not finite.
 *
 * @param smoothed smoothed loss of this batch
 * @param best lowest smoothed loss so far, that of this batch included
 */
export function shouldStop(smoothed: number, best: number): boolean {
  return !Number.isFinite(smoothed) || smoothed > 4 * best;
}

/**
 * The result of a sweep, from the loss of each batch in the order in which they ran. Batches after the one at which the
 * sweep should have stopped are ignored, so losses may be read back many at a time.
 *
 * @param lrs learning rate of each step, [nSteps]
 * @param batchLosses unsmoothed loss of each batch that was run, at most nSteps of them
 * @param options as for `suggest`, but numIt is nSteps by default; `stopDiv: false` keeps the batches after an explosion
 * @throws RangeError if there are more losses than rates, or too few to suggest from (see `suggest`); TypeError for an
 *   option that does not exist
 */
export function lrFinderResult(
  lrs: Float64Array,
  batchLosses: ArrayLike<number>,
  options: SuggestOptions & { stopDiv?: boolean | undefined } = {},
): LrFinderResult {
  checkOptions('lrFinderResult', options, [...SUGGEST_OPTIONS, 'stopDiv']);
  const { numIt = lrs.length, stopDiv = true, ...trim } = options;
  if (batchLosses.length > lrs.length) {
    throw new RangeError(`There are ${batchLosses.length} losses but only ${lrs.length} learning rates.`);
  }
  const watch = new SweepWatch(stopDiv);
  const losses = watch.push(batchLosses);
  const run = lrs.slice(0, losses.length);
  return { lrs: run, losses, ...suggest(run, losses, { numIt, ...trim }), stopped: watch.hasStopped ? 'diverged' : 'finished' };
}

/** Smooths the losses of a sweep as they come, and ends it where the loss explodes. */
export class SweepWatch {
  /** Whether the loss has exploded: nothing is taken in any more. */
  hasStopped = false;
  readonly #smooth = new SmoothLoss();
  #best = Infinity;

  /** @param stopDiv false: take in all losses, whatever they are. Default true */
  constructor(readonly stopDiv = true) {}

  /**
   * Takes in the losses of the next batches, up to the one at which the sweep stops.
   * @returns the smoothed loss after each of those taken in
   */
  push(batchLosses: ArrayLike<number>): Float64Array<ArrayBuffer> {
    const smoothLosses: number[] = [];
    for (let k = 0; k < batchLosses.length && !this.hasStopped; k++) {
      const smoothed = this.#smooth.push(batchLosses[k]);
      smoothLosses.push(smoothed);
      this.#best = Math.min(this.#best, smoothed);
      this.hasStopped = this.stopDiv && shouldStop(smoothed, this.#best);
    }
    return Float64Array.from(smoothLosses);
  }
}

/**
 * Learning rates suggested by the smoothed losses of a sweep. The first `skipStart` and the last `skipEnd` points are
 * ignored, and then everything from the first loss that is not finite.
 *
 * The suggestions are fastai's, with three differences. Its `steep`, `minimum` and `minGradient` look at all points, and on real
 * data often find the noise at the start: the first losses weigh several times more in the smoothed loss than later ones, and with
 * batches of 64 ratings of MovieLens-100K fastai's `steep` is 3e-6, at which nothing is learned. Here they look from where the
 * valley begins (`beforeValley` turns this off). With 15 points or fewer fastai's `slide` fails; here the distance between the
 * slopes that are compared shrinks to fit. And where the loss falls at its first step only, its `valley` wraps round to the
 * highest rate; here it is the lowest.
 *
 * @param lrs learning rate of each step, increasing
 * @param losses smoothed loss of each step
 * @throws RangeError if the lengths differ, a number of points is not a whole number, or fewer than two points remain;
 *   TypeError for an option that does not exist
 */
export function suggest(lrs: ArrayLike<number>, losses: ArrayLike<number>, options: SuggestOptions = {}): LrSuggestions {
  checkOptions('suggest', options, SUGGEST_OPTIONS);
  const { numIt = 100, skipEnd = 5, beforeValley = false } = options;
  checkWhole('numIt', numIt, 0);
  const { skipStart = Math.floor(numIt / 10) } = options;
  checkWhole('skipStart', skipStart, 0);
  checkWhole('skipEnd', skipEnd, 0);
  if (lrs.length !== losses.length) {
    throw new RangeError(`lrs and losses must have the same length, not ${lrs.length} and ${losses.length}.`);
  }
  const trimmed = Array.from(losses).slice(skipStart, Math.max(0, losses.length - skipEnd));
  const broken = trimmed.findIndex((loss) => !Number.isFinite(loss));
  const loss = broken < 0 ? trimmed : trimmed.slice(0, broken);
  if (loss.length < 2) {
    throw new RangeError(
      `Too few points to suggest a learning rate from: of ${losses.length} steps, ${loss.length} remain after ` +
        `dropping the first ${skipStart} and the last ${skipEnd} and any from the first loss that is not finite. ` +
        'Start the sweep at a lower rate or give it more steps.',
    );
  }
  const lr = Array.from(lrs).slice(skipStart, skipStart + loss.length);
  const slope = gradient(loss);
  const valley = valleyOf(loss);
  const first = beforeValley ? 0 : valley.start;
  return {
    valley: lr[valley.index],
    steep: lr[argmin(steepness(lr, loss), first)],
    slide: lr[slideIndex(slope)],
    minimum: lr[argmin(loss, first)] / 10,
    minGradient: lr[argmin(slope, first)],
  };
}

/**
 * fastai's valley rule. length[i] is that of the longest strictly decreasing subsequence of losses ending at i; the
 * first longest of all gives the end. The start is found by counting back, as if it were contiguous.
 */
function valleyOf(loss: readonly number[]): { start: number; index: number } {
  // last[k] is the highest loss at which a subsequence of k + 1 ends so far; it falls with k (Schensted 1961).
  const last: number[] = [];
  let end = 0;
  loss.forEach((value, i) => {
    let [low, high] = [0, last.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (last[middle] > value) low = middle + 1;
      else high = middle;
    }
    if (low === last.length) end = i;
    last[low] = value;
  });
  const start = end - last.length;
  const third = (end - start) / 3;
  return { start: Math.max(0, start), index: Math.max(0, start + Math.floor(third) + Math.floor(third / 2)) };
}

/** fastai's slide rule: two points 15 steps apart move left while their slopes differ by more than 0.005. */
function slideIndex(slope: readonly number[]): number {
  const distance = Math.min(15, slope.length - 1);
  let left = slope.length - 1 - distance;
  let index = left;
  while (left >= 0 && Math.abs(slope[left + distance] - slope[left]) > 0.005) index = left--;
  return index;
}

/** Forward differences d loss / d ln(lr), one fewer than points. */
function steepness(lr: readonly number[], loss: readonly number[]): number[] {
  return loss.slice(1).map((next, i) => (next - loss[i]) / Math.log(lr[i + 1] / lr[i]));
}

/** numpy.gradient with unit spacing: central differences, one-sided at the two ends. Needs two points. */
function gradient(y: readonly number[]): number[] {
  const last = y.length - 1;
  return y.map((_, i) => {
    const [a, b] = [Math.max(0, i - 1), Math.min(last, i + 1)];
    return (y[b] - y[a]) / (b - a);
  });
}

/** Index of the first smallest value of those from index `first` on. */
function argmin(values: readonly number[], first: number): number {
  return values.reduce((best, value, i) => (i > first && value < values[best] ? i : best), first);
}
