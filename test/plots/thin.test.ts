import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { thin } from '../../src/index.js';

const curve = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 0, maxLength: 300 });
const most = fc.integer({ min: 4, max: 60 });
const indices = (n: number) => Array.from({ length: n }, (_, k) => k);

test('a thinned curve keeps its ends, its lowest and its highest point, and no more than asked for', () => {
  fc.assert(
    fc.property(curve, most, (y, max) => {
      const thinned = thin(indices(y.length), y, max);
      assert.is(thinned.x.length, thinned.y.length);
      assert.ok(thinned.x.length <= max);
      if (y.length === 0) return;
      assert.equal([thinned.x[0], thinned.x.at(-1)], [0, y.length - 1]);
      assert.is(Math.min(...thinned.y), Math.min(...y));
      assert.is(Math.max(...thinned.y), Math.max(...y));
    }),
  );
});

test('its points are points of the curve, in their order', () => {
  fc.assert(
    fc.property(curve, most, (y, max) => {
      const thinned = thin(indices(y.length), y, max);
      thinned.x.forEach((x, k) => {
        assert.is(thinned.y[k], y[x]);
        if (k > 0) assert.ok(x > thinned.x[k - 1]);
      });
    }),
  );
});

test('no piece of a curve is without a point, and short curves are whole', () => {
  const y = Array.from({ length: 10_000 }, (_, k) => Math.sin(k));
  const { x } = thin(indices(y.length), y, 100);
  assert.ok(x.length > 90);
  x.slice(1).forEach((each, k) => assert.ok(each - x[k] < 500));
  assert.equal(thin([5, 6, 7], [1, 2, 3]), { x: [5, 6, 7], y: [1, 2, 3] });
  assert.is(thin(indices(5000), new Float64Array(5000)).x.length <= 1000, true);
});

test('what is not finite is left out', () => {
  assert.equal(thin([1, 2, 3, 4], [1, NaN, Infinity, 4]), { x: [1, 4], y: [1, 4] });
});

test('bad arguments are refused', () => {
  assert.throws(() => thin([1], [1], 3), /maxPoints must be a whole number of at least 4/);
  assert.throws(() => thin([1], [1, 2]), /same length, not 1 and 2/);
});

test.run();
