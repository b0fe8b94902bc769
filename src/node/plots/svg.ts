/** Plots as SVG files: Observable Plot without a browser. */
import type * as PlotModule from '@observablehq/plot';
import { checkOptions, checkPositive } from '../../base/check.js';
import { type LabelArea, type LabelledPoint, placeLabels, textWidth } from '../../plots/labels.js';
import type { PlotAxis, PlotData, PlotMark, PlotSeries, PlotTone } from '../../plots/plot-data.js';
import { COLORS, STYLE } from './theme.js';

type Plot = typeof PlotModule;

/** How a plot is drawn. */
export interface PlotSvgOptions {
  /** Pixels of one plot. Default 640, or 460 each for several side by side. */
  width?: number | undefined;
  /** Default 420. */
  height?: number | undefined;
  /** Makes the elements. Default: that of linkedom, which needs no browser. */
  document?: Document | undefined;
}

const FONT = 'Helvetica, Arial, sans-serif';
const TEXT = 12;
const LABEL = 11;
/** So many of the dots that matter most may have their labels farther away. */
const FAR_LABELS = 30;

/**
 * One SVG file with the plots side by side. It follows the reader's choice of light or dark, as a file, in an `<img>` and in a
 * page, where the custom properties of its style can be set to other colours; programs that read no CSS draw it in light.
 *
 * @param data from the functions that end in PlotData, such as `lossPlotData`
 * @throws RangeError for a size that is not positive
 */
export async function plotSvg(data: PlotData | readonly PlotData[], options: PlotSvgOptions = {}): Promise<string> {
  checkOptions('plotSvg', options, ['width', 'height', 'document']);
  const plots = Array.isArray(data) ? (data as readonly PlotData[]) : [data as PlotData];
  const { width = plots.length > 1 ? 460 : 640, height = 420 } = options;
  checkPositive('width', width);
  checkPositive('height', height);
  // Loaded only here, because that takes longer than training a small model.
  const [plot, document] = await Promise.all([import('@observablehq/plot'), options.document ?? emptyDocument()]);
  const parts = plots.map((each, k) => `<g transform="translate(${k * width},0)">\n${drawPlot(plot, each, width, height, document)}\n</g>`);
  const total = width * plots.length;
  const said = plots.map(({ title, caption }) => (caption === undefined ? title : `${title}. ${caption}`)).join(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" class="dotbias-plot" width="${total}" height="${height}" viewBox="0 0 ${total} ${height}"
 role="img" aria-label="${escape(said)}" color="${COLORS.ink}" fill="currentColor" font-family="${FONT}" font-size="${TEXT}">
<title>${escape(plots.map(({ title }) => title).join(', '))}</title>
<style>${STYLE}</style>
<rect width="100%" height="100%" fill="${COLORS.paper}"/>
${parts.join('\n')}
</svg>
`;
}

async function emptyDocument(): Promise<Document> {
  const { parseHTML } = await import('linkedom');
  return parseHTML('<!doctype html><html><body></body></html>').document as unknown as Document;
}

/** Title, caption and legend above; below them Observable Plot's axes and marks, and labels where there is room. */
function drawPlot(plot: Plot, data: PlotData, width: number, height: number, document: Document): string {
  const { x, y, title, caption, series, marks, references } = data;
  const left = y.ends ? 76 : 60;
  const right = width - 20;
  const head = [text(left, 24, title, `font-size="15" font-weight="bold"`)];
  let top = 34;
  for (const line of caption === undefined ? [] : wrap(caption, right - left, TEXT)) {
    top += 15;
    head.push(text(left, top - 5, line, `fill="${COLORS.soft}"`));
  }
  const named = legend(series, left, top + 15, right);
  if (named !== undefined) {
    head.push(named.svg);
    top = named.bottom;
  }
  const { categories = [] } = x;
  const isCrowded = categories.length * (Math.max(0, ...categories.map((each) => textWidth(each, TEXT))) + 4) > right - left;
  const bottom = height - (isCrowded ? 66 : 48) - (x.ends ? 16 : 0);
  const svg = plot.plot({
    width,
    height,
    marginLeft: left,
    marginRight: width - right,
    marginTop: top + 14,
    marginBottom: height - bottom,
    grid: true,
    x: { ...scaleOf(x, right - left), label: null, ...(isCrowded && { tickRotate: -30 }) },
    y: { ...scaleOf(y, bottom - top), label: null },
    r: { type: 'identity' },
    marks: [
      ...series.flatMap((each) => marksOf(plot, each, right - left)),
      ...references.map((line) =>
        'x' in line
          ? plot.ruleX([line.x], { stroke: COLORS.soft, strokeDasharray: '5,3' })
          : plot.ruleY([line.y], { stroke: COLORS.soft, strokeDasharray: '5,3' }),
      ),
      plot.dot(marks.toReversed(), {
        x: 'x',
        y: 'y',
        r: 5,
        fill: ({ tone }: PlotMark) => markColor(tone),
        stroke: COLORS.paper,
        strokeWidth: 1.5,
      }),
    ],
    document,
  } as PlotModule.PlotOptions) as unknown as SVGSVGElement & PlotModule.Plot;
  const area = { left, right, top: top + 14, bottom };
  const at = { x: (value: number) => svg.scale('x')!.apply(value) as number, y: (value: number) => svg.scale('y')!.apply(value) as number };
  const middle = (left + right) / 2;
  const center = (area.top + bottom) / 2;
  return [
    ...head,
    '<g text-anchor="middle">', // what Plot says of the element that it makes, whose style would not keep to it
    ...Array.from(svg.children, (child) => (child.tagName.toLowerCase() === 'style' ? '' : child.outerHTML)),
    '</g>',
    ...labelsOf(data, at, area),
    text(middle, bottom + (isCrowded ? 58 : 38), x.label, 'text-anchor="middle"'),
    text(0, 0, y.label, `text-anchor="middle" transform="translate(${y.ends ? 34 : 16},${center}) rotate(-90)"`),
    ...(x.ends ? endsOf(x.ends, right - left).map((each, k) => text(k === 0 ? left : right, height - 8, each, endStyle(k))) : []),
    ...(y.ends
      ? endsOf(y.ends, bottom - area.top).map((each, k) =>
          text(0, 0, each, `${endStyle(k)} transform="translate(14,${k === 0 ? bottom : area.top}) rotate(-90)"`),
        )
      : []),
  ].join('\n');
}

function scaleOf({ scale, domain, ticks, categories = [] }: PlotAxis, pixels: number): PlotModule.ScaleOptions {
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

function marksOf(plot: Plot, series: PlotSeries, pixels: number): PlotModule.Markish[] {
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
function radiiOf({ x, sizes }: { x: number[]; sizes?: number[] | undefined }, pixels: number): number[] {
  if (sizes === undefined) return x.map(() => 3.5);
  const largest = Math.max(1, ...sizes);
  const most = x.length > 20 ? Math.min(9, pixels / 100) : 14;
  return sizes.map((size) => Math.max(1.5, most * Math.sqrt(size / largest)));
}

const markColor = (tone: PlotTone = 'secondary') => (tone === 'muted' ? COLORS.soft : COLORS[tone]);

interface Placement {
  x: (value: number) => number;
  y: (value: number) => number;
}

/** A label to be placed, and how it looks. */
interface Label extends LabelledPoint {
  style?: string | undefined;
}

/** Labels of marks, of reference lines and of dots, those first that matter most; none covers another. */
function labelsOf({ series, marks, references }: PlotData, at: Placement, area: LabelArea): string[] {
  const place = (x: number, y: number) => ({ x: at.x(x), y: at.y(y) });
  const labels: Label[] = marks.map(({ x, y, label, tone }) => ({
    ...place(x, y),
    label,
    radius: 5,
    reach: 8,
    style: tone === 'muted' ? `fill="${COLORS.soft}"` : `font-weight="bold" fill="${markColor(tone)}"`,
  }));
  for (const { label, ...line } of references) {
    const isUpright = 'x' in line;
    const [x, y] = isUpright ? [at.x(line.x), area.top + 8] : [area.right - textWidth(label, LABEL) / 2 - 2, at.y(line.y)];
    labels.push({ x, y, label, radius: 1, reach: 2, style: `fill="${COLORS.soft}"` });
    if (!isUpright) labels.push(...along([area.left, area.right], [y, y]));
  }
  for (const each of series) {
    if (each.kind === 'dots') {
      const radii = radiiOf(each, area.right - area.left);
      each.x.forEach((x, k) =>
        labels.push({ ...place(x, each.y[k]), label: each.labels?.[k], radius: radii[k], reach: k < FAR_LABELS ? 3 : 1 }),
      );
    } else if (each.kind === 'line' && each.tone !== 'muted') {
      labels.push(...along(each.x.map(at.x), each.y.map(at.y)));
    }
  }
  return placeLabels(labels, area, LABEL).flatMap((found, k) => {
    if (found === undefined) return [];
    const { x, y, label, style = '', radius = 3 } = labels[k];
    const { dx, dy, anchor } = found;
    const halo = `paint-order="stroke" stroke="${COLORS.paper}" stroke-width="3" stroke-linejoin="round"`;
    const written = text(x + dx, y + dy + 0.35 * LABEL, label!, `font-size="${LABEL}" text-anchor="${anchor}" ${halo} ${style}`);
    const isFar = Math.hypot(dx, dy) > radius + 0.6 * LABEL + 1;
    const end = anchor === 'middle' ? dy - Math.sign(dy) * 0.6 * LABEL : dy;
    return isFar
      ? [`<path d="M${round(x)},${round(y)}l${round(dx)},${round(end)}" stroke="${COLORS.soft}" stroke-width="0.7"/>`, written]
      : [written];
  });
}

/** Points without labels along a line, so near to each other that no label fits between them. */
function along(x: readonly number[], y: readonly number[]): Label[] {
  return x.flatMap((each, k) => {
    if (k === 0) return [{ x: each, y: y[k], radius: 1 }];
    const [dx, dy] = [each - x[k - 1], y[k] - y[k - 1]];
    const n = Math.ceil(Math.hypot(dx, dy) / 6);
    return Array.from({ length: n }, (_, i) => ({ x: each - (i / n) * dx, y: y[k] - (i / n) * dy, radius: 1 }));
  });
}

/** Names of the series, each once, beside their colours; undefined if there is only one. */
function legend(series: readonly PlotSeries[], left: number, y: number, right: number): { svg: string; bottom: number } | undefined {
  const names = new Map(series.map((each) => [each.name, each]));
  if (names.size < 2) return undefined;
  let x = left;
  let line = y;
  const parts: string[] = [];
  for (const [name, { tone, kind }] of names) {
    const width = 24 + textWidth(name, TEXT) + 14;
    if (x > left && x + width > right) {
      x = left;
      line += 17;
    }
    const [w, h] = { line: [16, 3], ranges: [2, 12], dots: [10, 10], bars: [10, 10], boxes: [14, 10] }[kind];
    parts.push(
      `<rect x="${x + 8 - w / 2}" y="${line - 4 - h / 2}" width="${w}" height="${h}" rx="${kind === 'dots' ? 5 : 1}" ` +
        `fill="${COLORS[tone]}"/>`,
      text(x + 22, line, name, ''),
    );
    x += width;
  }
  return { svg: parts.join('\n'), bottom: line + 4 };
}

const endStyle = (k: number) => `font-size="${LABEL}" font-style="italic" fill="${COLORS.soft}" text-anchor="${k === 0 ? 'start' : 'end'}"`;

/** As many names as fit into half of the axis, with arrows outwards. */
function endsOf(ends: readonly [string[], string[]], pixels: number): string[] {
  return ends.map((names, k) => {
    const fit = names.filter((_, n) => textWidth(`← ${names.slice(0, n + 1).join(', ')}`, LABEL) < pixels / 2 - 8);
    const shown = (fit.length > 0 ? fit : names.slice(0, 1)).join(', ');
    return k === 0 ? `← ${shown}` : `${shown} →`;
  });
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escape(content)}</text>`;
}

const round = (value: number) => Math.round(10 * value) / 10;

/** Lines of at most so many pixels. */
function wrap(sentence: string, pixels: number, fontSize: number): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, fontSize) <= pixels) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (content: string) => content.replace(/[&<>"]/g, (char) => ESCAPES[char]);

/** 0.001, 0.01 and so on within the domain. */
function powersOfTen([low, high]: readonly [number, number]): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(Math.log10(high) + 1e-9) + 1 - first) }, (_, k) => Number(`1e${first + k}`));
}

const shortPower = (value: number) => (value < 0.001 || value >= 10_000 ? value.toExponential().replace('+', '') : String(value));
