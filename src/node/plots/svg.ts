/** Plots as SVG files: Observable Plot without a browser. */
import type * as PlotModule from '@observablehq/plot';
import { checkOptions, checkPositive } from '../../base/check.js';
import { textWidth } from '../../plots/labels.js';
import type { PlotData, PlotMark, PlotSeries } from '../../plots/plot-data.js';
import { markColor, marksOf, scaleOf } from './marks.js';
import { labelsOf } from './placed-labels.js';
import { escape, LABEL, text, TEXT, wrap } from './text.js';
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
