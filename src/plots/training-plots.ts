import { checkOptions } from '../base/check.js';
import type { History } from '../train/fit.js';
import { domainOf } from './domain.js';
import type { PlotAxis, PlotData, PlotReference, PlotSeries } from './plot-data.js';
import { MAX_POINTS, thin } from './thin.js';

/** What a plot of losses shows beside the training loss. */
export interface LossPlotOptions {
  /** If given, the validation loss after each epoch is shown too. */
  stepsPerEpoch?: number | undefined;
  /** Steps that the training will have, so that the curve of one under way grows into the plot. Default: those made. */
  totalSteps?: number | undefined;
  /** Losses to compare with, such as that of another program on the same split. */
  references?: readonly { label: string; y: number }[] | undefined;
  /** See `thin`. */
  maxPoints?: number | undefined;
}

/**
 * Training loss of every step, raw and smoothed as in the training table, and the validation loss after each epoch. The y axis need
 * not begin at 0.
 *
 * @param history of a learner, or of the part of its training that is to be seen
 */
export function lossPlotData(
  { losses, smoothLosses, epochs }: Pick<History, 'losses' | 'smoothLosses' | 'epochs'>,
  options: LossPlotOptions = {},
): PlotData {
  checkOptions('lossPlotData', options, ['stepsPerEpoch', 'totalSteps', 'references', 'maxPoints']);
  const { stepsPerEpoch, totalSteps = losses.length, references = [], maxPoints = MAX_POINTS } = options;
  const series: PlotSeries[] = [
    { kind: 'line', name: 'training, each batch', tone: 'muted', ...thin(steps(losses.length), losses, maxPoints) },
    { kind: 'line', name: 'training, smoothed', tone: 'primary', ...thin(steps(smoothLosses.length), smoothLosses, maxPoints) },
  ];
  if (stepsPerEpoch !== undefined) {
    const valid = thin(
      epochs.map((_, k) => (k + 1) * stepsPerEpoch),
      epochs.map(({ validLoss }) => validLoss),
      maxPoints,
    );
    series.push(
      { kind: 'line', name: 'validation', tone: 'secondary', ...valid },
      { kind: 'dots', name: 'validation', tone: 'secondary', ...valid },
    );
  }
  const shown = [...series.map((each) => (each.kind === 'line' ? each.y : [])), references.map(({ y }) => y)];
  return {
    title: 'Loss while training',
    x: stepAxis(Math.max(totalSteps, losses.length)),
    y: { label: 'loss', scale: 'linear', domain: domainOf(shown) },
    series,
    marks: [],
    references: references.map((each): PlotReference => ({ ...each })),
  };
}

/** See `thin`. */
export interface SchedulePlotOptions {
  maxPoints?: number | undefined;
}

/** Learning rate, and momentum (beta1), of every step of a history or a schedule. */
export function schedulePlotData(
  { lrs, beta1s }: { lrs: ArrayLike<number>; beta1s: ArrayLike<number> },
  options: SchedulePlotOptions = {},
): { lr: PlotData; beta1: PlotData } {
  checkOptions('schedulePlotData', options, ['maxPoints']);
  const plot = (title: string, label: string, values: ArrayLike<number>): PlotData => ({
    title,
    x: stepAxis(values.length),
    y: { label, scale: 'linear', domain: domainOf([values]) },
    series: [{ kind: 'line', name: label, tone: 'primary', ...thin(steps(values.length), values, options.maxPoints) }],
    marks: [],
    references: [],
  });
  return { lr: plot('Learning rate', 'learning rate', lrs), beta1: plot('Momentum', 'momentum (beta1)', beta1s) };
}

/** 1 to n. */
const steps = (n: number): number[] => Array.from({ length: n }, (_, k) => k + 1);

const stepAxis = (n: number): PlotAxis => ({ label: 'step', scale: 'linear', domain: [0, Math.max(1, n)] });
