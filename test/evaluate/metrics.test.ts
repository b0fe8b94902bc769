import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import * as metrics from '../../src/evaluate/metrics.js';

const { mae, mse, r2, rmse } = metrics;

const near = (actual: number, expected: number, what = 'value') =>
  assert.ok(Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `${what}: ${actual} is not ${expected}`);

const rangeError = (message: RegExp) => (e: Error) => e instanceof RangeError && message.test(e.message);

test('errors -1, 2, 0, -3 by hand', () => {
  const [yHat, y] = [
    [2, 4, 1, 2],
    [3, 2, 1, 5],
  ];
  near(mse(yHat, y), 14 / 4, 'mse');
  near(rmse(yHat, y), Math.sqrt(3.5), 'rmse');
  near(mae(yHat, y), 6 / 4, 'mae');
  near(r2(yHat, y), 1 - 14 / 8.75, 'r2'); // mean 2.75, deviations 0.25, -0.75, -1.75, 2.25
});

test('r2 is 1 for perfect predictions and 0 for the mean', () => {
  near(r2([1, 2, 6], [1, 2, 6]), 1);
  near(r2([3, 3, 3], [1, 2, 6]), 0);
});

test('sums are kept in float64: a million float32 errors of 0.1 lose nothing', () => {
  const y = new Float32Array(1e6);
  near(mae(new Float32Array(1e6).fill(0.1), y), Math.fround(0.1));
});

const arrays = fc.array(fc.tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.integer({ min: 1, max: 5 })), { minLength: 1 });

test('mae <= rmse, none negative, and the order of the pairs does not matter', () => {
  fc.assert(
    fc.property(arrays, (pairs) => {
      const [yHat, y] = [pairs.map((p) => p[0]), pairs.map((p) => p[1])];
      assert.ok(mae(yHat, y) >= 0 && mae(yHat, y) <= rmse(yHat, y) * (1 + 1e-12));
      for (const metric of [mse, rmse, mae]) near(metric(yHat.slice().reverse(), y.slice().reverse()), metric(yHat, y));
    }),
  );
});

test('regression metrics refuse what they cannot compare', () => {
  for (const metric of [mse, rmse, mae, r2]) {
    assert.throws(() => metric([], []), rangeError(/no predictions/));
    assert.throws(() => metric([1, 2], [1]), rangeError(/2 and 1/));
  }
  assert.throws(() => r2([1, 2], [4, 4]), rangeError(/all 2 targets equal 4/));
});

test('metrics of predictions and of rankings are one namespace', () => {
  assert.equal(Object.keys(metrics).sort(), [
    'averagePrecisionAtK',
    'catalogueCoverage',
    'hitRateAtK',
    'mae',
    'meanOverUsers',
    'mse',
    'ndcgAtK',
    'ndcgExponentialAtK',
    'precisionAtK',
    'r2',
    'recallAtK',
    'reciprocalRankAtK',
    'rmse',
  ]);
});

test.run();
