/** The loss as it falls, the validation error after each epoch, the run before, and what to compare them with. */
import { computed } from '@preact/signals';
import type uPlot from 'uplot';
import { axis, Chart, type Colours } from '../chart.js';
import { decimals, loss } from '../format.js';
import { data, previousRun, type Run, run, runTick } from '../state.js';
import { drawn } from './pen.js';

/** About this many points of a curve are drawn: one for each pixel is enough. */
const MOST_POINTS = 800;

type Column = (number | null)[];

/** Where points are drawn, and all that does not change while a run goes on: the run before it. */
const grid = computed(() => {
  const now = run.value;
  const before = previousRun.value;
  const steps: number[] = [];
  const [x, ghost, ghostValid]: Column[] = [[], [], []];
  if (now === undefined) return { steps, x: x as number[], ghost, ghostValid };
  const { totalSteps, stepsPerEpoch } = now;
  const stride = Math.max(1, Math.ceil(totalSteps / MOST_POINTS));
  const places = new Set<number>();
  for (let step = 0; step <= totalSteps; step += stride) places.add(step);
  for (let step = 0; step <= totalSteps; step += stepsPerEpoch) places.add(step);
  // A run with epochs of other lengths is laid over this one epoch by epoch.
  const scale = before === undefined ? 1 : before.stepsPerEpoch / stepsPerEpoch;
  for (const step of [...places].sort((p, q) => p - q)) {
    const epoch = step / stepsPerEpoch;
    steps.push(step);
    x.push(epoch);
    ghost.push(before?.smooth[Math.round(step * scale) - 1] ?? null);
    ghostValid.push((Number.isInteger(epoch) ? before?.epochs[epoch - 1]?.valid.mse : undefined) ?? null);
  }
  return { steps, x: x as number[], ghost, ghostValid };
});

const curves = computed<uPlot.AlignedData>(() => {
  void runTick.value;
  const { steps, x, ghost, ghostValid } = grid.value;
  const now = run.peek();
  const here = drawn.value;
  const [raw, smooth, valid]: Column[] = [[], [], []];
  for (const step of steps) {
    const isDrawn = now !== undefined && step > 0 && step <= here;
    raw.push(isDrawn ? now.losses[step - 1] : null);
    smooth.push(isDrawn ? now.smooth[step - 1] : null);
    const epoch = isDrawn ? step / now.stepsPerEpoch : 0;
    valid.push((Number.isInteger(epoch) ? now?.epochs[epoch - 1]?.valid.mse : undefined) ?? null);
  }
  return [x, raw, ghost, smooth, ghostValid, valid];
});

/** The y axis only grows while a run goes on, so that the curve does not jump about. */
let extent: { of: Run | undefined; seen: number; lo: number; hi: number } = { of: undefined, seen: 0, lo: 0, hi: 1 };
function yRange(): [number, number] {
  const now = run.peek();
  const take = (value: number) => {
    if (!Number.isFinite(value)) return;
    extent.lo = Math.min(extent.lo, Math.floor(value * 10 - 0.3) / 10);
    extent.hi = Math.max(extent.hi, Math.ceil(value * 10 + 0.3) / 10);
  };
  if (extent.of !== now) {
    const noisy = Math.min(20, Math.floor((now?.totalSteps ?? 0) / 4));
    extent = { of: now, seen: noisy, lo: Infinity, hi: -Infinity };
    for (const { value, sd = 0 } of data.peek()?.references ?? []) [value - sd, value + sd].forEach(take);
    for (const { valid } of previousRun.peek()?.epochs ?? []) take(valid.mse);
  }
  for (; now !== undefined && extent.seen < now.smooth.length; extent.seen++) take(now.smooth[extent.seen]);
  for (const { valid } of now?.epochs ?? []) take(valid.mse);
  return extent.lo < extent.hi ? [Math.max(0, extent.lo), extent.hi] : [0, 1];
}

function lossOptions(colours: Colours): Omit<uPlot.Options, 'width' | 'height'> {
  const { train: line, valid, faint, ground } = colours;
  const dots = (stroke: string, fill: string): uPlot.Series => ({
    stroke: 'transparent',
    points: { show: true, size: 9, stroke, fill, width: 2 },
    paths: () => null,
  });
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [10, 14, 0, 0],
    scales: {
      x: { time: false, range: () => [0, run.peek()?.knobs.epochs ?? 5] },
      y: { range: yRange },
    },
    axes: [
      axis(colours, {
        splits: (plot) => whole(plot.scales['x']!.max ?? 5),
        values: (_, splits) => splits.map(String),
        label: 'epoch',
        labelSize: 18,
        size: 26,
      }),
      axis(colours, { size: 44, values: (_, splits) => decimals(splits) }),
    ],
    series: [
      {},
      { stroke: line, width: 1, alpha: 0.17, points: { show: false } },
      { stroke: faint, width: 1.5, dash: [4, 4], alpha: 0.8, points: { show: false } },
      { stroke: line, width: 2, points: { show: false } },
      dots(faint, ground),
      dots(valid, ground),
    ],
    hooks: {
      drawAxes: [(plot) => drawReferences(plot, faint)],
      draw: [(plot) => nameReferences(plot, colours), (plot) => drawLastValue(plot, colours)],
    },
  };
}

const whole = (max: number): number[] => {
  const stride = Math.max(1, Math.ceil(max / 10));
  return Array.from({ length: Math.floor(max / stride) + 1 }, (_, k) => k * stride);
};

function drawReferences(plot: uPlot, faint: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  for (const { value, sd } of data.peek()?.references ?? []) {
    const y = plot.valToPos(value, 'y', true);
    if (sd !== undefined) {
      const top = plot.valToPos(value + sd, 'y', true);
      const bottom = plot.valToPos(value - sd, 'y', true);
      ctx.globalAlpha = 0.12;
      ctx.fillStyle = faint;
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    }
    ctx.globalAlpha = 1;
    ctx.strokeStyle = faint;
    ctx.lineWidth = ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** What the lines are, over all that is drawn. */
function nameReferences(plot: uPlot, { ink, ground }: Colours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.lineJoin = 'round';
  ctx.lineWidth = 4 * ratio;
  ctx.strokeStyle = ground;
  ctx.fillStyle = ink;
  for (const { value, label } of data.peek()?.references ?? []) {
    const place = [bbox.left + 8 * ratio, plot.valToPos(value, 'y', true) + 15 * ratio] as const;
    ctx.strokeText(`${label} ${value.toFixed(4)}`, ...place);
    ctx.fillText(`${label} ${value.toFixed(4)}`, ...place);
  }
  ctx.restore();
}

/** The last validation error, beside its dot. */
function drawLastValue(plot: uPlot, { valid, ground }: Colours): void {
  const now = run.peek();
  const epochs = now?.epochs.filter((_, k) => (k + 1) * now.stepsPerEpoch <= drawn.peek()) ?? [];
  const last = epochs.at(-1);
  if (last === undefined || !Number.isFinite(last.valid.mse)) return;
  const { ctx } = plot;
  ctx.save();
  ctx.font = `600 ${13 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.fillStyle = valid;
  ctx.textAlign = 'right';
  ctx.lineJoin = 'round';
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.strokeStyle = ground;
  const x = plot.valToPos(last.epoch + 1, 'x', true) - 2 * devicePixelRatio;
  const y = plot.valToPos(last.valid.mse, 'y', true) - 12 * devicePixelRatio;
  ctx.strokeText(loss(last.valid.mse), x, y);
  ctx.fillText(loss(last.valid.mse), x, y);
  ctx.restore();
}

export const LossChart = () => (
  <Chart height={400} options={lossOptions} data={curves} label="Training loss step by step, and validation loss after each epoch." />
);
