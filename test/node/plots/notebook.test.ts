import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Displayed, figure, table } from '../../../src/node/plots/notebook.js';
import { schedulePlotData } from '../../../src/plots/training-plots.js';
import { oneCycle } from '../../../src/schedule/schedule.js';

const test = suite('node/plots/notebook');

/** What Deno's kernel does with what a cell ends with. */
const shown = (value: Displayed) => (value as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for('Jupyter.display')]!();

test('a figure is shown as the SVG of its plots, by its titles where there are no pictures', async () => {
  const { lr, beta1: momentum } = oneCycle({ totalSteps: 20, lrMax: 0.01 });
  const { lr: first, beta1: second } = schedulePlotData({ lrs: lr, beta1s: momentum });
  const one = shown(await figure(first, { width: 300 }));
  assert.match(one['image/svg+xml']!, /^<svg [^>]*width="300"/);
  assert.is(one['text/plain'], '[Learning rate]');
  assert.is(shown(await figure([first, second]))['text/plain'], '[Learning rate, Momentum]');
});

test('a table has the columns that hold something, and numbers of a column the same digits', () => {
  const rows = [
    { item: 50, title: 'Star Wars (1977)', prediction: 4.25, year: undefined },
    { item: 172, prediction: 4, title: undefined },
  ];
  assert.is(
    shown(table(rows))['text/plain'],
    `item\ttitle\tprediction
50\tStar Wars (1977)\t4.25
172\t\t4.00`,
  );
});

test('numbers are rounded to 6 digits after the point', () => {
  const texts = (...values: number[]) => {
    const { 'text/plain': lines } = shown(table(values.map((value) => ({ value }))));
    return lines!.split('\n').slice(1);
  };
  assert.equal(texts(1 / 3, -2), ['0.333333', '-2.000000']);
  assert.equal(texts(0.1 + 0.2, 1e-9, 100), ['0.3', '0.0', '100.0']);
  assert.equal(texts(1e21, NaN, Infinity), ['1e+21', 'NaN', 'Infinity']);
});

test('titles cannot be markup', () => {
  const html = shown(table([{ title: '<script>alert("&")</script>', n: 1 }]))['text/html']!;
  assert.match(html, '<td style="text-align:left">&lt;script&gt;alert("&amp;")&lt;/script&gt;</td>');
  assert.match(html, '<td style="text-align:right">1</td>');
});

test('a table without rows is empty', () => {
  assert.is(shown(table([]))['text/plain'], '');
});

test.run();
