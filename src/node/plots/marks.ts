/** Scales and marks of Observable Plot for plot data. */
import type * as PlotModule from '@observablehq/plot';
import type { PlotAxis, PlotSeries, PlotTone } from '../../plots/plot-data.js';
import { COLORS } from './theme.js';

/** @param pixels length of the axis */
export function scaleOf({ scale, domain, ticks, categories = [] }: PlotAxis, pixels: number): PlotModule.ScaleOptions {
  if (scale === 'log') return { type: 'log', domain, ticks: ticks ?? powersOfTen(domain), tickFormat: shortPower };
  if (scale === 'linear') {
    return { type: 'linear', domain, ...(ticks ? { ticks, tickFormat: String } : { ticks: Math.max(2, Math.round(pixels / 70)) }) };
  }
  const places = categories.map((_, k) => k);
  return {
    type: 'linear',
    domain: [-0.5, Math.max(0, categories.length - 1) + 0.5],
    ticks: places,
    tickFormat: (k: number) => categories[k],
  };
}

/** @param pixels width of the plot */
export function marksOf(plot: typeof PlotModule, series: PlotSeries, pixels: number): PlotModule.Markish[] {
  const color = COLORS[series.tone];
  const rows = <T extends string>(names: readonly T[], columns: Record<T, number[]>) =>
    columns[names[0]].map((_, k) => Object.fromEntries(names.map((name) => [name, columns[name][k]])));
  switch (series.kind) {
    case 'line': {
      const isMuted = series.tone === 'muted';
      return [plot.line(rows(['x', 'y'], series), { x: 'x', y: 'y', stroke: color, strokeWidth: isMuted ? 1 : 2 })];
    }
    case 'dots': {
      const radii = radiiOf(series, pixels);
      const points = rows(['x', 'y'], series).map((point, k) => ({ ...point, r: radii[k] }));
      return [plot.dot(points, { x: 'x', y: 'y', r: 'r', fill: color, fillOpacity: series.sizes ? 0.65 : 1 })];
    }
    case 'bars':
      return [plot.rectY(rows(['from', 'to', 'y'], series), { x1: 'from', x2: 'to', y: 'y', fill: color, fillOpacity: 0.75, inset: 0.5 })];
    case 'ranges':
      return [plot.ruleX(rows(['x', 'low', 'high'], series), { x: 'x', y1: 'low', y2: 'high', stroke: color, strokeWidth: 1.5 })];
    case 'boxes': {
      const half = 0.3 * Math.min(...series.x.slice(1).map((x, k) => x - series.x[k]), series.x.length > 1 ? Infinity : 1);
      const boxes = rows(['x', 'percentile5', 'firstQuartile', 'median', 'thirdQuartile', 'percentile95'], series).map((box) => ({
        ...box,
        x1: box['x'] - half,
        x2: box['x'] + half,
      }));
      return [
        plot.ruleX(boxes, { x: 'x', y1: 'percentile5', y2: 'percentile95', stroke: color }),
        plot.rect(boxes, { x1: 'x1', x2: 'x2', y1: 'firstQuartile', y2: 'thirdQuartile', fill: COLORS.paper }),
        plot.rect(boxes, { x1: 'x1', x2: 'x2', y1: 'firstQuartile', y2: 'thirdQuartile', fill: color, fillOpacity: 0.25, stroke: color }),
        plot.ruleY(boxes, { x1: 'x1', x2: 'x2', y: 'median', stroke: color, strokeWidth: 2.5 }),
      ];
    }
  }
}

/** Radii whose squares are in proportion to the sizes; small where there are many dots on few pixels. */
export function radiiOf({ x, sizes }: { x: number[]; sizes?: number[] | undefined }, pixels: number): number[] {
  if (sizes === undefined) return x.map(() => 3.5);
  const largest = Math.max(1, ...sizes);
  const most = x.length > 20 ? Math.min(9, pixels / 100) : 14;
  return sizes.map((size) => Math.max(1.5, most * Math.sqrt(size / largest)));
}

/** Colour of a labelled point. */
export const markColor = (tone: PlotTone = 'secondary') => (tone === 'muted' ? COLORS.soft : COLORS[tone]);

/** 0.001, 0.01 and so on within the domain. */
function powersOfTen([low, high]: readonly [number, number]): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(Math.log10(high) + 1e-9) + 1 - first) }, (_, k) => Number(`1e${first + k}`));
}

const shortPower = (value: number) => (value < 0.001 || value >= 10_000 ? value.toExponential().replace('+', '') : String(value));
