/** The 1-cycle: learning rate and momentum over the run, and how far it has come. */
import { computed } from '@preact/signals';
import { oneCycle } from 'dotbias';
import type uPlot from 'uplot';
import { axis, Chart, type Colours } from '../chart.js';
import { rate } from '../format.js';
import { knobs } from '../knobs.js';
import { run, runTick } from '../state.js';
import { arrived } from './pen.js';

/** The schedule of the settings as they are, and how far the run has come in it. */
const cycle = computed<uPlot.AlignedData>(() => {
  const settings = run.value?.knobs ?? knobs.value;
  if (settings === undefined) return [[], [], []];
  const steps = run.value?.totalSteps ?? 400;
  const { lr, beta1 } = oneCycle({ totalSteps: steps, lrMax: settings.lr });
  const stride = Math.max(1, Math.floor(steps / 300));
  const kept = Array.from({ length: Math.ceil(steps / stride) }, (_, k) => k * stride);
  return [kept.map((k) => (k / steps) * settings.epochs), kept.map((k) => lr[k]), kept.map((k) => beta1[k])];
});
/** Changes whenever losses arrive, so that the chart is drawn again. */
const cycleNow = computed<uPlot.AlignedData>(() => (void runTick.value, [...cycle.value] as uPlot.AlignedData));

function cycleOptions(colours: Colours): Omit<uPlot.Options, 'width' | 'height'> {
  const { train: line, faint, grid } = colours;
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 14, 0, 0],
    scales: {
      x: { time: false, range: () => [0, run.peek()?.knobs.epochs ?? knobs.peek()?.epochs ?? 5] },
      y: { range: (_, __, max) => [0, max * 1.08] },
      moms: { range: [0.83, 0.97] },
    },
    axes: [
      axis(colours, { show: false }),
      axis(colours, {
        size: 44,
        splits: () => [0, run.peek()?.knobs.lr ?? 0.01],
        values: (_, splits) => splits.map(rate),
        grid: { show: false },
      }),
    ],
    series: [
      {},
      { stroke: line, width: 2, points: { show: false } },
      { stroke: faint, width: 1.5, dash: [5, 4], scale: 'moms', points: { show: false } },
    ],
    hooks: {
      drawAxes: [
        (plot) => {
          const now = run.peek();
          if (now === undefined || arrived() === 0) return;
          const { ctx, bbox } = plot;
          ctx.save();
          ctx.fillStyle = grid;
          ctx.globalAlpha = 0.6;
          ctx.fillRect(bbox.left, bbox.top, plot.valToPos(arrived() / now.stepsPerEpoch, 'x', true) - bbox.left, bbox.height);
          ctx.restore();
        },
      ],
    },
  };
}

export const CycleChart = () => (
  <Chart
    height={72}
    options={cycleOptions}
    data={cycleNow}
    label="The 1-cycle: the learning rate rises and falls, the momentum the other way round."
  />
);
