/** Figures and tables for notebooks of Deno's Jupyter kernel: what a cell ends with is shown by its method of this symbol. */
import type { PlotData } from '../../plots/plot-data.js';
import { plotSvg, type PlotSvgOptions } from './svg.js';

const DISPLAY: unique symbol = Symbol.for('Jupyter.display');
/** Digits after the point, at most, as pandas has them. */
const DIGITS = 6;

/** What a notebook shows in place of a value, as texts by their MIME types. */
export interface Displayed {
  [DISPLAY](): Record<string, string>;
}

/**
 * One plot, or several side by side, for a cell to end with: `await notebook.figure(lossPlotData(learn.history))`.
 *
 * @throws RangeError as `plotSvg`
 */
export async function figure(data: PlotData | readonly PlotData[], options: PlotSvgOptions = {}): Promise<Displayed> {
  const svg = await plotSvg(data, options);
  const titles = [data].flat().map(({ title }) => title);
  return { [DISPLAY]: () => ({ 'image/svg+xml': svg, 'text/plain': `[${titles.join(', ')}]` }) };
}

/**
 * Rows as a table, for a cell to end with: `notebook.table(await learn.showResults())`. It has a column for each field that
 * any row has a value of; in a column of numbers all have the same digits after the point, up to 6.
 */
export function table(rows: readonly object[]): Displayed {
  const fields = rows.map((row) => row as Readonly<Record<string, unknown>>);
  const names = [...new Set(fields.flatMap((row) => Object.keys(row).filter((name) => row[name] !== undefined)))];
  const columns = names.map((name) => columnOf(fields.map((row) => row[name])));
  const html = (tag: string, texts: readonly string[]) =>
    texts.map((text, k) => `<${tag} style="text-align:${columns[k].align}">${escape(text)}</${tag}>`).join('');
  const lines = rows.map((_, k) => columns.map(({ texts }) => texts[k]));
  return {
    [DISPLAY]: () => ({
      'text/html': `<table>
<thead><tr>${html('th', names)}</tr></thead>
<tbody>
${lines.map((line) => `<tr>${html('td', line)}</tr>\n`).join('')}</tbody>
</table>`,
      'text/plain': [names, ...lines].map((line) => line.join('\t')).join('\n'),
    }),
  };
}

function columnOf(values: readonly unknown[]): { align: 'left' | 'right'; texts: string[] } {
  const numbers = values.filter((value) => typeof value === 'number');
  const digits = Math.max(0, ...numbers.map(digitsOf));
  const texts = values.map((value) => (typeof value === 'number' ? value.toFixed(digits) : String(value ?? '')));
  return { align: numbers.length > 0 ? 'right' : 'left', texts };
}

/** Digits after the point that a number needs, once rounded. */
const digitsOf = (value: number) => /\.(\d*?)0*$/.exec(value.toFixed(DIGITS))?.[1].length ?? 0;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escape = (text: string) => text.replace(/[&<>]/g, (char) => ESCAPES[char]);
