/**
 * The arithmetic of the learning-rate finder: when a sweep stops and which learning rate it suggests. Running the
 * batches is the learner's part; see `lrSweep` for the rates they run at.
 */
import { SmoothLoss } from './smooth.js';

/** A learning rate for each rule, after fastai v2 (`minGradient`: fastai v1). */
export interface LrSuggestions {
  /** A third into the longest descent of the loss, and half as far again (fastai's default choice). */
  valley: number;
  /** Where the loss falls fastest per unit of ln(lr). */
  steep: number;
  /** The highest rate before the slope at the right end of the curve, followed leftwards, levels out. */
  slide: number;
  /** A tenth of the rate at the lowest loss. */
  minimum: number;
  /** Where the loss falls fastest per step: fastai v1's "min numerical gradient". Noisy in the first steps. */
  minGradient: number;
}

/** A sweep and what it suggests. */
export interface LrFinderResult extends LrSuggestions {
  /** Learning rate of each batch run. */
  lrs: Float64Array;
  /** Smoothed loss after each batch run, the batch that stopped the sweep included. */
  losses: Float64Array;
  stopped: 'finished' | 'diverged';
}

/** Which points of a sweep suggestions look at. */
export interface SuggestOptions {
  /** Steps the sweep was meant to have (not how many it ran before diverging). Default 100. */
  numIt?: number;
  /** Points ignored at the start. Default floor(numIt / 10) as fastai v2; fastai v1 always drops 10. */
  skipStart?: number;
  /** Points ignored at the end, where the loss diverges. Default 5. */
  skipEnd?: number;
}

/**
 * Whether a sweep ends at this batch: the smoothed loss is more than four times the best so far, or not finite.
 * @param smoothed smoothed loss of this batch
 * @param best lowest smoothed loss so far, this batch included
 */
export function shouldStop(smoothed: number, best: number): boolean {
  return !Number.isFinite(smoothed) || smoothed > 4 * best;
}

/**
 * Everything a finished sweep says, from the raw loss of each batch in the order run. Batches after the one at which
 * the sweep should have stopped are ignored, so losses may be read back many at a time.
 * @param lrs learning rate of each step
 * @param batchLosses loss of each batch run, at most one per entry of `lrs`
 * @param options `stopDiv: false` keeps the batches after an explosion too
 * @throws RangeError if there are more losses than rates, or too few to suggest from (see `suggest`).
 */
export function lrFinderResult(
  lrs: Float64Array,
  batchLosses: ArrayLike<number>,
  { numIt = lrs.length, stopDiv = true, ...trim }: SuggestOptions & { stopDiv?: boolean } = {},
): LrFinderResult {
  if (batchLosses.length > lrs.length) {
    throw new RangeError(`There are ${batchLosses.length} losses but only ${lrs.length} learning rates.`);
  }
  const smooth = new SmoothLoss();
  const losses: number[] = [];
  let best = Infinity;
  let stopped: LrFinderResult['stopped'] = 'finished';
  for (let k = 0; k < batchLosses.length && stopped === 'finished'; k++) {
    const smoothed = smooth.push(batchLosses[k]);
    losses.push(smoothed);
    best = Math.min(best, smoothed);
    if (stopDiv && shouldStop(smoothed, best)) stopped = 'diverged';
  }
  const run = lrs.slice(0, losses.length);
  return { lrs: run, losses: Float64Array.from(losses), ...suggest(run, losses, { numIt, ...trim }), stopped };
}

/**
 * Suggested learning rates from the smoothed losses of a sweep. The first `skipStart` and last `skipEnd` points are
 * dropped, then everything from the first loss that is not finite.
 *
 * Equal to fastai's suggestions except where those are an accident: with 15 points or fewer fastai's `slide` fails
 * (here the distance it compares slopes over shrinks to fit), and where the loss only falls at its first step fastai's
 * `valley` wraps round to the highest rate (here it is the lowest).
 *
 * @param lrs learning rate of each step, increasing
 * @param losses smoothed loss of each step
 * @throws RangeError if the lengths differ, a skip is not a whole number, or fewer than two points remain.
 */
export function suggest(lrs: ArrayLike<number>, losses: ArrayLike<number>, options: SuggestOptions = {}): LrSuggestions {
  const { numIt = 100, skipEnd = 5 } = options;
  const { skipStart = Math.floor(numIt / 10) } = options;
  if (lrs.length !== losses.length) {
    throw new RangeError(`lrs and losses must have the same length, not ${lrs.length} and ${losses.length}.`);
  }
  for (const [name, skip] of Object.entries({ skipStart, skipEnd })) {
    if (!Number.isSafeInteger(skip) || skip < 0) {
      throw new RangeError(`${name} must be a whole number of at least 0, not ${skip}.`);
    }
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
  return {
    valley: lr[valleyIndex(loss)],
    steep: lr[argmin(steepness(lr, loss))],
    slide: lr[slideIndex(slope)],
    minimum: lr[argmin(loss)] / 10,
    minGradient: lr[argmin(slope)],
  };
}

/**
 * fastai's valley rule. length[i] is that of the longest strictly decreasing subsequence of losses ending at i; the
 * first longest of all gives the end. The start is found by counting back, as if it were contiguous.
 */
function valleyIndex(loss: readonly number[]): number {
  const length = loss.map(() => 1);
  let end = 0;
  for (let i = 1; i < loss.length; i++) {
    for (let j = 0; j < i; j++) {
      if (loss[i] < loss[j]) length[i] = Math.max(length[i], length[j] + 1);
    }
    if (length[i] > length[end]) end = i;
  }
  const start = end - length[end];
  const third = (end - start) / 3;
  return Math.max(0, start + Math.floor(third) + Math.floor(third / 2));
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

/** Index of the first smallest value. */
function argmin(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value < values[best] ? i : best), 0);
}
