import { checkOptions, checkWhole } from '../base/check.js';
import type { LrFinderResult } from '../schedule/lr-finder.js';
import { domainOf, short } from './domain.js';
import type { PlotData, PlotMark } from './plot-data.js';
import { MAX_POINTS, thin } from './thin.js';

/** Which points of a sweep are shown. */
export interface LrPlotOptions {
  /** Points left out at the start, where the smoothed loss is that of single batches. Default 5. */
  skipStart?: number | undefined;
  /** Points left out at the end, where the loss explodes. Default 5, as in fastai. */
  skipEnd?: number | undefined;
  /** See `thin`. */
  maxPoints?: number | undefined;
}

const RULES = ['valley', 'steep', 'slide', 'minimum'] as const;

/**
 * Smoothed loss against learning rate, with the suggestions marked on the curve; `valley`, the one to begin with, first and
 * in a colour of its own. The curve ends as it rises well
 * above what it was before its lowest point, because the explosion after it would flatten all that matters.
 *
 * @param result of `lrFind`
 * @throws RangeError for a number of points that is not whole
 */
export function lrPlotData(result: LrFinderResult, options: LrPlotOptions = {}): PlotData {
  checkOptions('lrPlotData', options, ['skipStart', 'skipEnd', 'maxPoints']);
  const { skipStart = 5, skipEnd = 5, maxPoints = MAX_POINTS } = options;
  checkWhole('skipStart', skipStart, 0);
  checkWhole('skipEnd', skipEnd, 0);
  const end = Math.max(0, result.lrs.length - skipEnd);
  const shown = result.losses.slice(skipStart, end);
  const from = result.lrs.slice(skipStart, end).findIndex((lr) => lr >= result.valley);
  const losses = shown.slice(0, lengthBeforeExplosion(shown, Math.max(0, from)));
  const lrs = result.lrs.slice(skipStart, skipStart + losses.length);
  const curve = thin(lrs, losses, maxPoints);
  const [low = 1e-7, high = 10] = [lrs[0], lrs.at(-1)];
  const marks = RULES.filter((rule) => result[rule] >= low && result[rule] <= high).map((rule): PlotMark => ({
    label: `${rule} ${short(result[rule])}`,
    x: result[rule],
    y: lossAt(result[rule], lrs, losses),
    ...(rule !== 'valley' && { tone: 'muted' }),
  }));
  return {
    title: 'Learning-rate finder',
    caption: 'Loss while the learning rate grows from step to step. A good rate lies on the way down, well before the loss rises.',
    x: { label: 'learning rate', scale: 'log', domain: [low, high > low ? high : 10 * low] },
    y: { label: 'smoothed training loss', scale: 'linear', domain: domainOf([curve.y]) },
    series: [{ kind: 'line', name: 'smoothed training loss', tone: 'primary', ...curve }],
    marks,
    references: [],
  };
}

/**
 * Up to the first loss that exceeds all before the lowest by half of the distance of the highest of them from it.
 * @param from where the lowest is looked for, lest it be one of the noise at the start
 */
function lengthBeforeExplosion(losses: Float64Array, from: number): number {
  let lowest = from;
  for (let k = from; k < losses.length; k++) if (losses[k] < losses[lowest]) lowest = k;
  const highest = Math.max(...losses.subarray(0, lowest + 1));
  const limit = highest + (highest - losses[lowest]) / 2;
  const explosion = losses.findIndex((loss, k) => k > lowest && !(loss <= limit));
  return explosion < 0 || limit === losses[lowest] ? losses.length : explosion + 1;
}

/** Loss at a rate, by interpolation in ln(lr). */
function lossAt(lr: number, lrs: Float64Array, losses: Float64Array): number {
  const after = lrs.findIndex((each) => each >= lr);
  if (after <= 0 || lrs[after] === lr) return losses[Math.max(0, after)];
  const share = Math.log(lr / lrs[after - 1]) / Math.log(lrs[after] / lrs[after - 1]);
  return losses[after - 1] + share * (losses[after] - losses[after - 1]);
}
