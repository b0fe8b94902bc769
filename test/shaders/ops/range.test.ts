import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sigmoidRange } from '../../../shaders/ops/range.js';

for (const yRange of [[0, 5.5], [-2, 1], null] as const) {
  test(`the gradient is the slope: yRange ${JSON.stringify(yRange)}`, () => {
    const { value, grad } = sigmoidRange(yRange);
    for (let z = -12; z <= 12; z += 0.37) {
      const slope = (value(z + 1e-5) - value(z - 1e-5)) / 2e-5;
      assert.ok(Math.abs(grad(z) - slope) < 1e-9 * Math.max(1, Math.abs(z)) + 1e-9, `at ${z}: ${grad(z)}, slope ${slope}`);
    }
  });
}

test('values run from lo to hi, through the middle at 0', () => {
  const { value } = sigmoidRange([1, 4]);
  assert.is(value(0), 2.5);
  assert.ok(Math.abs(value(-1e9) - 1) < 1e-12 && Math.abs(value(1e9) - 4) < 1e-12);
});

test('no range leaves the score', () => {
  const { value, grad } = sigmoidRange(null);
  assert.is(value(-7.25), -7.25);
  assert.is(grad(-7.25), 1);
});

test.run();
