import type { CountBin, Residuals } from '../evaluate/residuals.js';
import type { RatingPredictions } from '../evaluate/valid-predictions.js';
import { domainOf, short } from './domain.js';
import type { BoxSeries, PlotData } from './plot-data.js';

/**
 * Predicted against real ratings: for each real rating a box of its predictions. The line shows a model that is always right. If
 * there are more than 12 different ratings, they are joined in 10 ranges of equal width.
 */
export function predictionPlotData({ ratings, predictions }: RatingPredictions): PlotData {
  const values = Array.from(ratings);
  const different = [...new Set(values)].sort((a, b) => a - b);
  const [lowest = 0, highest = 1] = [different[0], different.at(-1)];
  const isContinuous = different.length > 12;
  const width = (highest - lowest) / 10;
  const placeOf = (rating: number) => (isContinuous ? lowest + (Math.min(9, Math.floor((rating - lowest) / width)) + 0.5) * width : rating);
  const groups = new Map<number, number[]>();
  values.forEach((rating, k) => {
    const place = placeOf(rating);
    const group = groups.get(place);
    if (group) group.push(predictions[k]);
    else groups.set(place, [predictions[k]]);
  });
  const boxes = [...groups].sort(([a], [b]) => a - b).map(([x, group]) => [x, group.sort((a, b) => a - b)] as const);
  const at = (share: number) => boxes.map(([, sorted]) => quantile(sorted, share));
  const series: BoxSeries = {
    kind: 'boxes',
    name: 'predictions',
    tone: 'primary',
    x: boxes.map(([x]) => x),
    percentile5: at(0.05),
    firstQuartile: at(0.25),
    median: at(0.5),
    thirdQuartile: at(0.75),
    percentile95: at(0.95),
    n: boxes.map(([, { length }]) => length),
  };
  const gap = isContinuous
    ? width
    : least(
        different.slice(1).map((each, k) => each - different[k]),
        1,
      );
  return {
    title: 'Predicted and real ratings',
    caption: 'A box holds half of the predictions, its whiskers nine in ten. On the line, prediction and rating are equal.',
    x: {
      label: 'real rating',
      scale: 'linear',
      domain: [lowest - gap / 2, highest + gap / 2],
      ...(!isContinuous && { ticks: different }),
    },
    y: { label: 'predicted rating', scale: 'linear', domain: domainOf([series.percentile5, series.percentile95, [lowest, highest]]) },
    series: [{ kind: 'line', name: 'a model that is always right', tone: 'muted', x: [lowest, highest], y: [lowest, highest] }, series],
    marks: [],
    references: [],
  };
}

/** A histogram of residuals, with their mean. */
export function residualPlotData({ edges, counts, n, mean, sd }: Residuals): PlotData {
  return {
    title: 'Residuals',
    caption:
      `${n.toLocaleString('en')} ratings less their predictions: ${short(mean)} on average, ` +
      `with a standard deviation of ${short(sd)}.`,
    x: { label: 'rating − prediction', scale: 'linear', domain: [edges[0], edges.at(-1)!] },
    y: { label: 'number of ratings', scale: 'linear', domain: domainOf([counts], true) },
    series: [{ kind: 'bars', name: 'ratings', tone: 'primary', from: edges.slice(0, -1), to: edges.slice(1), y: counts.slice() }],
    marks: [],
    references: [
      { label: 'no error', x: 0 },
      { label: `mean ${short(mean)}`, x: mean },
    ],
  };
}

/**
 * Root mean squared error by the number of training ratings of the item (or the user), with its standard error; the area of a dot
 * is the number of predictions.
 *
 * @param whose 'item' or 'user', for the label. Default 'item'
 */
export function errorByCountPlotData(bins: readonly CountBin[], whose = 'item'): PlotData {
  const x = bins.map((_, k) => k);
  const rmse = bins.map((bin) => bin.rmse);
  const [low, high] = [-1, 1].map((sign) => bins.map((bin) => Math.max(0, bin.rmse + sign * bin.standardError)));
  return {
    title: `Error by number of ratings of the ${whose}`,
    caption: 'The area of a dot is the number of predictions; an upright is the standard error on either side.',
    x: {
      label: `training ratings of the ${whose}`,
      scale: 'category',
      domain: [0, Math.max(0, bins.length - 1)],
      categories: bins.map(({ from, to }) => (from === to ? String(from) : `${from}–${to}`)),
    },
    y: { label: 'RMSE', scale: 'linear', domain: domainOf([rmse, high], true) },
    series: [
      { kind: 'line', name: 'RMSE', tone: 'muted', x, y: rmse },
      { kind: 'dots', name: 'RMSE', tone: 'primary', x, y: rmse, sizes: bins.map(({ n }) => n) },
      { kind: 'ranges', name: 'standard error', tone: 'secondary', x, low, high },
    ],
    marks: [],
    references: [],
  };
}

/** Quantile of ascending values, by linear interpolation between the two next to it (type 7 of Hyndman and Fan 1996). */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** The least of the numbers, or `otherwise` if there are none. */
const least = (values: readonly number[], otherwise: number) => (values.length === 0 ? otherwise : Math.min(...values));
