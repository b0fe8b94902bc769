/** A uPlot chart as a component: follows its width, the colours of the page, and its data, at most once a frame. */
import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

/** The colours of charts, from the style sheet. */
export interface Colours {
  ink: string;
  faint: string;
  grid: string;
  train: string;
  valid: string;
  mark: string;
  ground: string;
}

const NAMES = ['ink', 'faint', 'grid', 'train', 'valid', 'mark', 'ground'] as const;

/** Counts the changes between light and dark. */
export const themeTick = signal(0);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => themeTick.value++);

export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as unknown as Colours;
}

export const FONT = '12px system-ui, sans-serif';

/** An axis as all charts here have it. */
export const axis = ({ faint, grid }: Colours, more: uPlot.Axis = {}): uPlot.Axis => ({
  stroke: faint,
  font: FONT,
  labelFont: FONT,
  grid: { stroke: grid, width: 1 },
  ticks: { show: false },
  ...more,
});

interface Props {
  height: number;
  /** Series, axes and hooks; called again when the colours change. */
  options: (colours: Colours) => Omit<uPlot.Options, 'width' | 'height'>;
  data: ReadonlySignal<uPlot.AlignedData>;
  /** What a screen reader says of the picture; the table beside it has the numbers. */
  label: string;
  onPlot?: (plot: uPlot) => void;
}

export function Chart({ height, options, data, label, onPlot }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const parent = place.current!;
    let plot: uPlot | undefined;
    let frame = 0;
    const make = () => {
      plot?.destroy();
      plot = new uPlot({ ...options(colours()), width: parent.clientWidth || 300, height }, data.peek(), parent);
      onPlot?.(plot);
    };
    const stopTheme = effect(() => {
      void themeTick.value;
      make();
    });
    const stopData = effect(() => {
      void data.value;
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        plot?.setData(data.peek());
      });
    });
    const resized = new ResizeObserver(() => {
      if (plot && parent.clientWidth > 0 && parent.clientWidth !== plot.width) plot.setSize({ width: parent.clientWidth, height });
    });
    resized.observe(parent);
    return () => {
      cancelAnimationFrame(frame);
      stopTheme();
      stopData();
      resized.disconnect();
      plot?.destroy();
    };
  }, []);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}
