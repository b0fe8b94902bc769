/** The LR finder: a click, or the arrow keys, set the rate. */
import { computed, effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type uPlot from 'uplot';
import { axis, Chart, type Colours } from '../chart.js';
import { decimals, powerOfTen, rate } from '../format.js';
import { typed } from '../knobs.js';
import { findRate } from '../session.js';
import { found, phase } from '../state.js';
import { Table } from '../table.js';

const SUGGESTED = [
  ['valley', 'Half-way through the longest descent. fastai’s own choice.'],
  ['steep', 'Where the loss falls fastest.'],
  ['minimum', 'A tenth of the rate with the lowest loss.'],
  ['slide', 'Where the slope levels out before the explosion.'],
] as const;

const curve = computed<uPlot.AlignedData>(() => {
  const result = found.value;
  if (result === undefined) return [[], []];
  return [Array.from(result.lrs), Array.from(result.losses)];
});

const DECADES = [1e-7, 1e-5, 1e-3, 0.1, 10];

const chosen = () => Number(typed.lr.peek());
const set = (value: number) => (typed.lr.value = String(Number(value.toPrecision(2))));

function options(colours: Colours): Omit<uPlot.Options, 'width' | 'height'> {
  return {
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    padding: [10, 14, 0, 0],
    scales: {
      x: { time: false, distr: 3, log: 10, range: [1e-7, 10] },
      y: { range: yRange },
    },
    axes: [
      axis(colours, { splits: () => DECADES, filter: (_, splits) => splits, values: (_, splits) => splits.map(powerOfTen), size: 26 }),
      axis(colours, { size: 44, values: (_, splits) => decimals(splits) }),
    ],
    series: [{}, { stroke: colours.train, width: 2, points: { show: false } }],
    hooks: {
      draw: [(plot) => drawMarks(plot, colours)],
      ready: [
        (plot) => {
          plot.over.addEventListener('click', ({ offsetX }) => set(plot.posToVal(offsetX, 'x')));
        },
      ],
    },
  };
}

/** Leaves out the explosion, which would press all else flat. */
function yRange(): [number, number] {
  const losses = Array.from(found.peek()?.losses ?? []).filter(Number.isFinite);
  if (losses.length === 0) return [0, 1];
  const [lo, start] = [Math.min(...losses), losses[Math.min(losses.length - 1, 10)]];
  const room = Math.max(0.1, (start - lo) * 0.35);
  return [lo - room, start + room];
}

function drawMarks(plot: uPlot, { mark, train, ground }: Colours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  const lr = chosen();
  if (lr >= 1e-7 && lr <= 10) {
    const x = plot.valToPos(lr, 'x', true);
    ctx.strokeStyle = mark;
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  const result = found.peek();
  if (result !== undefined) {
    const k = result.lrs.indexOf(result.valley);
    if (k >= 0) {
      ctx.beginPath();
      ctx.arc(plot.valToPos(result.lrs[k], 'x', true), plot.valToPos(result.losses[k], 'y', true), 5 * ratio, 0, 7);
      ctx.fillStyle = ground;
      ctx.strokeStyle = train;
      ctx.lineWidth = 2 * ratio;
      ctx.fill();
      ctx.stroke();
    }
  }
  ctx.restore();
}

/** Up and right raise the rate by a tenth of a power of ten, down and left lower it. */
function onKeyDown(event: KeyboardEvent): void {
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (steps === undefined) return;
  event.preventDefault();
  const power = Math.round(Math.log10(chosen() || 0.01) * 10) + steps;
  set(10 ** (Math.min(10, Math.max(-70, power)) / 10));
}

export function FindRate() {
  let plot: uPlot | undefined;
  useEffect(() =>
    effect(() => {
      void typed.lr.value;
      plot?.redraw();
    }),
  );
  const result = found.value;
  const isIdle = phase.value === 'idle' || phase.value === 'failed';
  return (
    <section class="panel" aria-labelledby="rate-title" id="find-rate">
      <header>
        <h2 id="rate-title">Learning rate</h2>
        <button id="find-button" aria-disabled={!isIdle} onClick={() => isIdle && void findRate()}>
          Find
        </button>
      </header>
      <div
        id="rate-slider"
        class="rate-slider"
        role="slider"
        tabIndex={0}
        aria-label="Learning rate"
        aria-valuemin={-7}
        aria-valuemax={1}
        aria-valuenow={Number(Math.log10(Number(typed.lr.value) || 1e-7).toFixed(2))}
        aria-valuetext={typed.lr.value}
        onKeyDown={onKeyDown}
      >
        <Chart height={190} options={options} data={curve} label="Loss by learning rate" onPlot={(made) => (plot = made)} />
      </div>
      <p class="note">
        Loss by learning rate, over 100 steps that are undone afterwards. Click in the curve, or use the arrow keys, to set the peak rate.
      </p>
      {result && (
        <ul class="chips" aria-label="Suggested rates">
          {SUGGESTED.map(([name, why]) => (
            <li key={name}>
              <button
                title={why}
                aria-pressed={Math.abs(Number(typed.lr.value) / result[name] - 1) < 0.06}
                onClick={() => set(result[name])}
              >
                {name} <b>{rate(result[name])}</b>
              </button>
            </li>
          ))}
        </ul>
      )}
      {result && (
        <details>
          <summary>The curve as a table</summary>
          <Table
            label="Loss by learning rate"
            head={['learning rate', 'smoothed loss']}
            rows={Array.from(result.lrs, (lr, k) => [rate(lr), result.losses[k].toFixed(4)])}
          />
        </details>
      )}
    </section>
  );
}
