import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeRatings } from '../../src/data/describe.js';
import { popularityPlotData, ratingPlotData } from '../../src/plots/ratings-plots.js';

/** Item k of n has n / k ratings. */
function zipf(n: number) {
  const items = Array.from({ length: n }, (_, k) => Array<number>(Math.ceil(n / (k + 1))).fill(k)).flat();
  return describeRatings({ users: items.map((_, k) => k), items, ratings: items.map((_, k) => 1 + (k % 3)) });
}

test('the popularity curve falls from the most rated item to the least, with far fewer points than items', () => {
  const { series, x, y, marks } = popularityPlotData(zipf(20_000));
  const [curve] = series;
  assert.ok(curve.kind === 'line' && curve.x.length > 500 && curve.x.length < 4000);
  assert.equal([curve.x[0], curve.y[0], curve.x.at(-1), curve.y.at(-1)], [1, 20_000, 20_000, 1]);
  for (let k = 1; k < curve.x.length; k++) assert.ok(curve.x[k] > curve.x[k - 1] && curve.y[k] <= curve.y[k - 1]);
  assert.equal([x.scale, y.scale, x.domain, y.domain, marks[0].y], ['log', 'log', [1, 20_000], [1, 20_000], 2]);
});

test('a single item with a single rating can be drawn too', () => {
  const one = zipf(1);
  assert.equal(popularityPlotData(one).x.domain, [1, 2]);
  const { x, series } = ratingPlotData(one);
  assert.equal(x.domain, [0.5, 1.5]);
  assert.ok(series[0].kind === 'bars' && series[0].y[0] === 100);
});

test('bars of ratings are as wide as the least step of the scale, and add up to all of them', () => {
  const { series, x } = ratingPlotData(zipf(50));
  assert.ok(series[0].kind === 'bars');
  assert.equal(
    [series[0].from, series[0].to, x.ticks],
    [
      [0.5, 1.5, 2.5],
      [1.5, 2.5, 3.5],
      [1, 2, 3],
    ],
  );
  assert.ok(Math.abs(series[0].y.reduce((sum, each) => sum + each, 0) - 100) < 1e-9);
});

test.run();
