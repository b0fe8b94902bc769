import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorByCount, errorByCountPlotData, type PlotData, predictionPlotData, residualPlotData, residuals } from '../../src/index.js';

const boxesOf = ({ series }: PlotData) => {
  const boxes = series.find(({ kind }) => kind === 'boxes');
  if (boxes?.kind !== 'boxes') throw new TypeError('there are no boxes');
  return boxes;
};
const ratings = Array.from({ length: 400 }, (_, k) => 1 + (k % 4));
const predictions = ratings.map((rating, k) => rating / 2 + (Math.floor(k / 4) % 101) / 100);

test('each real rating has a box of the quantiles of its predictions', () => {
  // Each rating has 100 predictions, rating / 2 + 0 to 0.99 by hundredths.
  const boxes = boxesOf(predictionPlotData({ ratings, predictions }));
  assert.equal(
    [boxes.x, boxes.n],
    [
      [1, 2, 3, 4],
      [100, 100, 100, 100],
    ],
  );
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);
  for (const k of [0, 1, 2, 3]) {
    near(boxes.percentile5[k], (k + 1) / 2 + 0.0495);
    near(boxes.firstQuartile[k], (k + 1) / 2 + 0.2475);
    near(boxes.median[k], (k + 1) / 2 + 0.495);
    near(boxes.thirdQuartile[k], (k + 1) / 2 + 0.7425);
    near(boxes.percentile95[k], (k + 1) / 2 + 0.9405);
  }
  assert.equal(predictionPlotData({ ratings, predictions }).x.ticks, [1, 2, 3, 4]);
});

test('many different ratings are joined in ten ranges', () => {
  const real = Array.from({ length: 101 }, (_, k) => k - 50);
  const plot = predictionPlotData({ ratings: real, predictions: real });
  const boxes = boxesOf(plot);
  assert.equal(
    boxes.x.map((x) => Math.round(x)),
    [-45, -35, -25, -15, -5, 5, 15, 25, 35, 45],
  );
  assert.is(
    boxes.n.reduce((a, b) => a + b),
    101,
  );
  assert.equal([boxes.n[0], boxes.n[9]], [10, 11]);
  assert.is(plot.x.ticks, undefined);
});

test('no predictions give an empty plot, and one rating a plot around it', () => {
  assert.equal(boxesOf(predictionPlotData({ ratings: [], predictions: [] })).x, []);
  assert.equal(predictionPlotData({ ratings: [3], predictions: [3] }).x.domain, [2.5, 3.5]);
});

test('a histogram of residuals begins at zero and shows where there is no error, and the mean', () => {
  const found = residuals({ ratings: [1, 2, 3, 4], predictions: [1.5, 1.5, 3.5, 3.75] });
  const { series, y, references, caption } = residualPlotData(found);
  assert.ok(series[0].kind === 'bars');
  assert.equal([series[0].y, y.domain[0]], [found.counts, 0]);
  assert.equal(
    references.map((line) => 'x' in line && line.x),
    [0, found.mean],
  );
  assert.match(caption!, /^4 ratings/);
});

test('errors by count have a place for each bin, named by it', () => {
  const bins = errorByCount(
    { ratings, predictions },
    ratings.map((_, k) => k % 10),
  );
  const plot = errorByCountPlotData(bins, 'user');
  assert.equal(plot.x.categories, ['0', '1', '2–3', '4–7', '8–15']);
  assert.is(plot.x.label, 'training ratings of the user');
  const dots = plot.series.find(({ kind }) => kind === 'dots');
  assert.ok(dots?.kind === 'dots');
  assert.equal(
    dots.sizes,
    bins.map(({ n }) => n),
  );
  assert.equal(
    dots.y,
    bins.map(({ rmse }) => rmse),
  );
  assert.is(plot.y.domain[0], 0);
  const ranges = plot.series.find(({ kind }) => kind === 'ranges');
  assert.ok(ranges?.kind === 'ranges');
  ranges.high.forEach((high, k) => assert.ok(Math.abs((high - ranges.low[k]) / 2 - bins[k].standardError) < 1e-12));
  assert.equal(errorByCountPlotData([]).x.categories, []);
});

test.run();
