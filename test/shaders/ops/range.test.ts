import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identity, rangeOf, sigmoidRange } from '../../../shaders/ops/range.js';

for (const bounds of [[0, 5.5], [-2, 1], null] as const) {
  test(`the gradient is the slope: bounds ${JSON.stringify(bounds)}`, () => {
    const { value, grad } = rangeOf(bounds);
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

test('the identity leaves the score', () => {
  assert.is(identity.value(-7.25), -7.25);
  assert.is(identity.grad(-7.25), 1);
});

test('bounds are known to the op, and null is the identity', () => {
  assert.equal(rangeOf([1, 4]).bounds, [1, 4]);
  assert.is(rangeOf(null), identity);
  assert.is(identity.bounds, null);
});

test('bounds that are no range are refused', () => {
  for (const bounds of [
    [5, 5],
    [5, 1],
    [0, NaN],
    [-Infinity, 1],
  ] as const) {
    assert.throws(() => sigmoidRange(bounds), /The range of predictions must be two finite numbers, lo < hi, not /);
  }
});

test.run();
