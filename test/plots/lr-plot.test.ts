import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lrFinderResult, lrPlotData, lrSweep } from '../../src/index.js';

const { lr } = lrSweep();
/** Flat, a way down, then an explosion. */
const found = lrFinderResult(
  lr,
  Array.from(lr, (rate) => 2 - Math.min(1, 200 * rate) + 3 * rate ** 2),
);
const [curve] = lrPlotData(found).series;
if (curve.kind !== 'line') throw new TypeError('the curve is a line');

test('the curve leaves out five points at the start, and the explosion at the end', () => {
  assert.is(curve.x[0], lr[5]);
  assert.ok(curve.x.at(-1)! < lr[94]);
  const calm = lrFinderResult(
    lr,
    Array.from(lr, (_, k) => 2 - k / 100),
  );
  const [whole] = lrPlotData(calm).series;
  assert.equal(whole.kind === 'line' && whole.x, Array.from(lr.slice(5, 95)));
  const [asked] = lrPlotData(calm, { skipStart: 0, skipEnd: 0 }).series;
  assert.equal(asked.kind === 'line' && asked.x, [...lr]);
});

test('the descent takes up a good part of the height', () => {
  const { y } = lrPlotData(found);
  const [low, high] = y.domain;
  const lowest = Math.min(...curve.y);
  assert.ok((curve.y[0] - lowest) / (high - low) > 0.4, `${curve.y[0]} ${lowest} ${y.domain}`);
  assert.ok(curve.y.every((loss) => loss >= low && loss <= high));
});

test('each suggestion is marked on the curve, valley first and in a colour of its own', () => {
  const { marks, x } = lrPlotData(found);
  assert.equal(
    marks.map((mark) => [mark.label.split(' ')[0], mark.tone]),
    [
      ['valley', undefined],
      ['steep', 'muted'],
      ['slide', 'muted'],
      ['minimum', 'muted'],
    ],
  );
  assert.is(marks[0].x, found.valley);
  assert.is(Number(marks[0].label.split(' ')[1]), Number(found.valley.toPrecision(2)));
  for (const mark of marks) {
    assert.ok(mark.x >= x.domain[0] && mark.x <= x.domain[1]);
    const after = curve.x.findIndex((rate) => rate >= mark.x);
    const [a, b] = [curve.y[Math.max(0, after - 1)], curve.y[after]];
    assert.ok(mark.y >= Math.min(a, b) && mark.y <= Math.max(a, b), mark.label);
  }
});

test('noise at the start is not taken for the lowest loss', () => {
  const losses = Array.from(lr, (rate, k) => (k < 8 ? 0.5 : 2 - Math.min(1, 200 * rate) + 3 * rate ** 2));
  const [noisy] = lrPlotData(lrFinderResult(lr, losses)).series;
  assert.ok(noisy.kind === 'line' && noisy.x.at(-1)! > 0.05 && noisy.x.at(-1)! < lr[94], 'the explosion is still left out');
});

test('a short sweep and a NaN give a plot all the same', () => {
  const short = lrFinderResult(lrSweep({ numIt: 8 }).lr, [8, 7, 6, 5, 4, 3, 2, 1]);
  assert.equal(lrPlotData(short).series.length, 1);
  const broken = lrFinderResult(
    lr,
    Array.from(lr, (_, k) => (k === 40 ? NaN : 2)),
  );
  assert.ok(JSON.stringify(lrPlotData(broken)).includes('"title"'));
  assert.not.match(JSON.stringify(lrPlotData(broken)), /null/);
});

test('options that do not exist and broken numbers are refused', () => {
  assert.throws(() => lrPlotData(found, { skipstart: 1 } as never), /did you mean skipStart/);
  assert.throws(() => lrPlotData(found, { skipEnd: -1 }), /skipEnd must be/);
  assert.throws(() => lrPlotData(found, { maxPoints: 1 }), /maxPoints/);
});

test.run();
