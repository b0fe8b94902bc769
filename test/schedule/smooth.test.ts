import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { SmoothLoss } from '../../src/schedule/smooth.js';

const near = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual} is not ${expected}`);

test('the first value is the first loss, not one pulled towards zero', () => {
  near(new SmoothLoss().push(3), 3);
});

test('by hand with beta 0.5: weights 1/3 and 2/3 after two losses', () => {
  const smooth = new SmoothLoss(0.5);
  smooth.push(1);
  near(smooth.push(4), (1 * 1 + 2 * 4) / 3);
  near(smooth.value, 3);
});

test("the default beta is fastai's 0.98", () => {
  const smooth = new SmoothLoss();
  smooth.push(1);
  near(smooth.push(2), (0.98 * 0.02 * 1 + 0.02 * 2) / (1 - 0.98 ** 2));
});

test('beta 0 does not smooth', () => {
  const smooth = new SmoothLoss(0);
  smooth.push(7);
  assert.is(smooth.push(2), 2);
});

test('any sequence gives the weighted mean with weights beta^(t-i), within its bounds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 60 }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (losses, beta) => {
        const smooth = new SmoothLoss(beta);
        losses.forEach((loss) => smooth.push(loss));
        const weights = losses.map((_, i) => beta ** (losses.length - 1 - i));
        const total = weights.reduce((a, b) => a + b);
        near(smooth.value, losses.reduce((sum, loss, i) => sum + loss * weights[i], 0) / total, 1e-10);
        assert.ok(smooth.value <= Math.max(...losses) * (1 + 1e-12));
        assert.ok(smooth.value >= Math.min(...losses) * (1 - 1e-12));
      },
    ),
  );
});

test('value is NaN before the first loss, and stays NaN after a NaN loss', () => {
  const smooth = new SmoothLoss();
  assert.ok(Number.isNaN(smooth.value));
  smooth.push(NaN);
  assert.ok(Number.isNaN(smooth.push(1)));
});

test('a beta outside [0, 1) is refused', () => {
  for (const beta of [1, -0.1, NaN]) {
    assert.throws(
      () => new SmoothLoss(beta),
      (e: Error) => e instanceof RangeError && /beta/.test(e.message),
    );
  }
});

test.run();
