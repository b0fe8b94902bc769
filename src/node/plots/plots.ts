/** Plots of training and of its results. Each function gives the text of an SVG file. */
import type { MapPoint } from '../../answer/item-map.js';
import type { LrFinderResult } from '../../schedule/lr-finder.js';
import type { History } from '../../train/fit.js';
import { placeLabels } from './labels.js';
import { drawSvg } from './svg.js';

const BLUE = '#1f77b4';
const ORANGE = '#d95f02';
const GREY = '#888888';
/** Curves are thinned to this many points; more could not be seen. */
const MAX_POINTS = 1000;

/**
 * Smoothed loss against learning rate, with the suggestions marked. As in fastai, the last 5 points are left out, where the
 * loss explodes.
 *
 * @param result of `lrFind`
 */
export function lrFinderPlot(result: LrFinderResult): Promise<string> {
  const { lrs, losses } = result;
  const points = Array.from({ length: Math.max(1, lrs.length - 5) }, (_, k) => ({ lr: lrs[k], loss: losses[k] }));
  const marks = (['valley', 'steep', 'slide', 'minimum'] as const).map((rule, row) => ({
    lr: result[rule],
    label: `${rule} ${result[rule].toExponential(1)}`,
    row,
  }));
  const middle = Math.sqrt(points[0].lr * points.at(-1)!.lr);
  return drawSvg('Learning-rate finder', (Plot) => ({
    x: { type: 'log', label: 'learning rate', tickFormat: powerOfTen },
    y: { label: 'smoothed training loss' },
    marks: [
      Plot.ruleX(marks, { x: 'lr', stroke: ORANGE, strokeDasharray: '4,3' }),
      Plot.line(points, { x: 'lr', y: 'loss', stroke: BLUE, strokeWidth: 2 }),
      // Each label on a line of its own: rates may be close to each other.
      ...marks.map(({ lr, label, row }) =>
        Plot.text([label], {
          x: [lr],
          frameAnchor: 'top',
          dy: 16 * row,
          dx: lr < middle ? 4 : -4,
          textAnchor: lr < middle ? 'start' : 'end',
          fill: ORANGE,
          stroke: 'white',
          strokeWidth: 4,
        }),
      ),
    ],
  }));
}

/**
 * Training loss of every step, raw and smoothed as in the training table.
 *
 * @param history of a learner
 * @param options `stepsPerEpoch`: if given, the validation loss after each epoch is drawn too
 */
export function lossPlot(
  { losses, smoothLosses, epochs }: History,
  { stepsPerEpoch }: { stepsPerEpoch?: number | undefined } = {},
): Promise<string> {
  const steps = thin(losses.length).map((step) => ({ step, loss: losses[step], smooth: smoothLosses[step] }));
  const valid =
    stepsPerEpoch === undefined ? [] : epochs.map(({ validLoss }, k) => ({ step: (k + 1) * stepsPerEpoch - 1, loss: validLoss }));
  const last = steps.at(-1);
  return drawSvg('Loss', (Plot) => ({
    marginRight: 80,
    x: { label: 'step' },
    y: { label: 'loss' },
    marks: [
      Plot.line(steps, { x: 'step', y: 'loss', stroke: BLUE, strokeOpacity: 0.25 }),
      Plot.line(steps, { x: 'step', y: 'smooth', stroke: BLUE, strokeWidth: 2 }),
      Plot.line(valid, { x: 'step', y: 'loss', stroke: ORANGE }),
      Plot.dot(valid, { x: 'step', y: 'loss', fill: ORANGE, r: 3 }),
      Plot.text(last ? [last] : [], { x: 'step', y: 'smooth', text: () => 'training', textAnchor: 'start', dx: 8, dy: 8, fill: BLUE }),
      Plot.text(valid.slice(-1), { x: 'step', y: 'loss', text: () => 'validation', textAnchor: 'start', dx: 8, dy: -8, fill: ORANGE }),
    ],
  }));
}

/** Learning rate and momentum of every step of a learner's history. */
export function schedulePlot({ lrs, beta1s }: History): Promise<string> {
  const steps = thin(lrs.length).map((step) => ({ step, lr: lrs[step], beta1: beta1s[step] }));
  const curve = (y: 'lr' | 'beta1', label: string) => (Plot: typeof import('@observablehq/plot')) => ({
    x: { label: 'step' },
    y: { label },
    marks: [Plot.line(steps, { x: 'step', y, stroke: BLUE, strokeWidth: 2 })],
  });
  return drawSvg('Schedule', curve('lr', 'learning rate'), curve('beta1', 'momentum'));
}

/** A rating, and the model's prediction of it. */
export interface RatingPrediction {
  rating: number;
  prediction: number;
}

/**
 * Predicted against real ratings: for each real rating a box from the first to the third quartile of its predictions,
 * with the median. The line shows the predictions of a perfect model. If there are more than 12 different ratings, each
 * pair is a dot instead, at most about 2,000 of them.
 */
export function predictionPlot(pairs: readonly RatingPrediction[]): Promise<string> {
  const ratings = [...new Set(pairs.map(({ rating }) => rating))].sort((a, b) => a - b);
  const perfect = ratings.map((rating) => ({ rating, prediction: rating }));
  const labels = { x: { label: 'real rating' }, y: { label: 'predicted rating' } };
  return drawSvg('Predicted and real ratings', (Plot) => {
    if (ratings.length > 12) {
      const shown = thin(pairs.length, 2 * MAX_POINTS).map((k) => pairs[k]);
      return {
        ...labels,
        marks: [
          Plot.line(perfect, { x: 'rating', y: 'prediction', stroke: GREY }),
          Plot.dot(shown, { x: 'rating', y: 'prediction', r: 2, fill: BLUE, fillOpacity: 0.4 }),
        ],
      };
    }
    return {
      ...labels,
      x: { ...labels.x, type: 'band' as const, grid: false },
      marks: [
        Plot.line(perfect, { x: 'rating', y: 'prediction', stroke: GREY }),
        Plot.boxY(pairs, { x: 'rating', y: 'prediction', fill: BLUE, fillOpacity: 0.3, stroke: BLUE, r: 1.5 }),
      ],
    };
  });
}

/** A rating, its prediction, and the number of training ratings of its item (or its user). */
export interface CountedPrediction extends RatingPrediction {
  /** Number of training ratings of the item (or the user). */
  count: number;
}

/**
 * Root mean squared error of the predictions by the number of training ratings of the item (or the user), in classes of
 * 0, 1, 2-3, 4-7, ... ratings. The area of a dot shows the number of predictions in its class.
 *
 * @param whose 'item' or 'user', for the label. Default 'item'
 */
export function errorByCountPlot(predictions: readonly CountedPrediction[], whose = 'item'): Promise<string> {
  const classes = new Map<number, { n: number; sum: number }>();
  for (const { count, rating, prediction } of predictions) {
    const from = count === 0 ? 0 : 2 ** Math.floor(Math.log2(count));
    const { n, sum } = classes.get(from) ?? { n: 0, sum: 0 };
    classes.set(from, { n: n + 1, sum: sum + (prediction - rating) ** 2 });
  }
  const points = [...classes]
    .sort(([a], [b]) => a - b)
    .map(([from, { n, sum }]) => ({ ratings: from < 2 ? String(from) : `${from}-${2 * from - 1}`, n, rmse: Math.sqrt(sum / n) }));
  const crowded = points.length > 9;
  return drawSvg('Error by number of ratings', (Plot) => ({
    ...(crowded && { marginBottom: 65 }),
    x: {
      type: 'point' as const,
      domain: points.map(({ ratings }) => ratings),
      label: `training ratings of the ${whose}`,
      ...(crowded && { tickRotate: -25, labelOffset: 60 }),
    },
    y: { label: 'RMSE', zero: true },
    r: { range: [2, 16] as [number, number] },
    marks: [
      Plot.line(points, { x: 'ratings', y: 'rmse', stroke: BLUE }),
      Plot.dot(points, { x: 'ratings', y: 'rmse', r: 'n', fill: BLUE, fillOpacity: 0.6 }),
    ],
  }));
}

const MAP = { width: 960, height: 720, left: 60, right: 940, top: 30, bottom: 675 };
const MAP_FONT = 11;

/**
 * Items on the map of the first two components. Titles are cut to 32 characters, and one that would cover a point or the
 * title of an earlier item is left out.
 *
 * @param points of `itemMap`, the most rated first
 */
export function itemMapPlot(points: readonly MapPoint[]): Promise<string> {
  const [xs, ys] = (['x', 'y'] as const).map((axis) => extent(points.map((point) => point[axis])));
  const pixel = (value: number, [lo, hi]: [number, number], from: number, to: number) => from + ((value - lo) / (hi - lo)) * (to - from);
  const labels = points.map(({ item, title = String(item) }) => (title.length > 32 ? `${title.slice(0, 31)}…` : title));
  const places = placeLabels(
    points.map(({ x, y }, k) => ({ x: pixel(x, xs, MAP.left, MAP.right), y: pixel(y, ys, MAP.bottom, MAP.top), label: labels[k] })),
    MAP,
    MAP_FONT,
  );
  return drawSvg('Map of items', (Plot) => ({
    width: MAP.width,
    height: MAP.height,
    x: { label: 'first component', domain: xs, range: [MAP.left, MAP.right] },
    y: { label: 'second component', domain: ys, range: [MAP.bottom, MAP.top] },
    marks: [
      Plot.dot(points, { x: 'x', y: 'y', r: 2.5, fill: BLUE }),
      ...points.flatMap(({ x, y }, k) => {
        const place = places[k];
        return place
          ? [Plot.text([labels[k]], { x: [x], y: [y], dx: place.dx, dy: place.dy, textAnchor: place.anchor, fontSize: MAP_FONT })]
          : [];
      }),
    ],
  }));
}

/** The lowest and the highest value, with a little room around them. */
function extent(values: readonly number[]): [number, number] {
  const [lo, hi] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const room = (hi - lo || 1) / 20;
  return [lo - room, hi + room];
}

/** At most `most` of the indices 0 to n - 1, evenly spaced and including the last. */
function thin(n: number, most = MAX_POINTS): number[] {
  const stride = Math.max(1, Math.ceil(n / most));
  const first = n === 0 ? 0 : (n - 1) % stride;
  return Array.from({ length: Math.ceil((n - first) / stride) }, (_, k) => first + k * stride);
}

/** Labels ticks at powers of ten, such as 0.01 and 1e-3, and no others. */
function powerOfTen(value: number): string {
  const exponent = Math.round(Math.log10(value));
  return Math.abs(value / 10 ** exponent - 1) < 1e-9 ? (exponent >= -2 && exponent <= 2 ? String(value) : `1e${exponent}`) : '';
}
