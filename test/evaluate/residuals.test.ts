import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { errorByCount, metrics, residuals } from '../../src/index.js';

const value = fc.integer({ min: -500, max: 500 }).map((n) => n / 100);
const pairs = fc.array(fc.tuple(value, value, fc.integer({ min: 0, max: 200 })), { minLength: 1, maxLength: 80 });
const columns = (rows: readonly (readonly number[])[]) => ({
  ratings: rows.map(([rating]) => rating),
  predictions: rows.map(([, prediction]) => prediction),
  counts: rows.map(([, , count]) => count),
});
const near = (a: number, b: number, what: string) => assert.ok(Math.abs(a - b) <= 1e-9 * (1 + Math.abs(b)), `${what}: ${a} is not ${b}`);

test('each residual is counted in the one bin that holds it', () => {
  fc.assert(
    fc.property(pairs, fc.constantFrom(undefined, 0.1, 0.25, 3), (rows, binWidth) => {
      const { ratings, predictions } = columns(rows);
      const { edges, counts, n, mean } = residuals({ ratings, predictions }, { binWidth });
      const errors = ratings.map((rating, k) => rating - predictions[k]);
      counts.forEach((count, k) => {
        assert.is(count, errors.filter((error) => error >= edges[k] && error < edges[k + 1]).length, `from ${edges[k]}`);
      });
      assert.is(
        counts.reduce((a, b) => a + b),
        n,
      );
      assert.is(n, rows.length);
      near(mean, errors.reduce((a, b) => a + b) / n, 'mean');
    }),
  );
});

test('edges are multiples of a width of 1, 2 or 5 times a power of ten', () => {
  const { edges, sd } = residuals({ ratings: [0, 1, 2, 3], predictions: [0.05, 0, 1, 1.01] });
  assert.equal([edges[0], edges[1], edges.at(-1)], [-0.1, 0, 2]);
  near(edges[3], 0.2, 'no rounding');
  near(sd, Math.sqrt([-0.05, 1, 1, 1.99].reduce((sum, error) => sum + (error - 0.985) ** 2, 0) / 4), 'sd');
});

test('errors that are all alike have a bin', () => {
  assert.equal(residuals({ ratings: [3, 3], predictions: [3, 3] }).counts, [2]);
  assert.equal(residuals({ ratings: [3, 3], predictions: [5, 5] }).edges, [-2, -1]);
});

test('residuals of any size have bins, also where they hardly differ', () => {
  const size = fc.constantFrom(1e-12, 1e-3, 1, 1e6, 1e12, 1e18);
  fc.assert(
    fc.property(size, fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1 }), fc.boolean(), (scale, shares, isFar) => {
      const ratings = shares.map((share) => scale * ((isFar ? 1 : 0) + share * (isFar ? 1e-13 : 1)));
      const { edges, counts, n } = residuals({ ratings, predictions: ratings.map(() => 0) });
      assert.is(
        counts.reduce((a, b) => a + b),
        n,
      );
      assert.is(edges.length, counts.length + 1);
      assert.ok(counts.length < 100 && counts[0] > 0 && counts.at(-1)! > 0, `${counts}`);
    }),
  );
});

test('bins by count hold the errors of their counts, as a plain filter finds them', () => {
  fc.assert(
    fc.property(pairs, (rows) => {
      const { ratings, predictions, counts } = columns(rows);
      const bins = errorByCount({ ratings, predictions }, counts);
      assert.is(
        bins.reduce((sum, { n }) => sum + n, 0),
        rows.length,
      );
      bins.forEach(({ from, to, n, rmse, mae, meanResidual }, k) => {
        if (k > 0) assert.ok(from > bins[k - 1].to);
        const own = rows.filter(([, , count]) => count >= from && count <= to);
        const [y, yHat] = [own.map(([rating]) => rating), own.map(([, prediction]) => prediction)];
        assert.is(n, own.length);
        near(rmse, metrics.rmse(yHat, y), 'rmse');
        near(mae, metrics.mae(yHat, y), 'mae');
        near(meanResidual, y.reduce((sum, rating, i) => sum + rating - yHat[i], 0) / n, 'mean residual');
      });
    }),
  );
});

test('bins are of 0, 1, 2-3, 4-7 ratings and so on', () => {
  const counts = [0, 1, 2, 3, 4, 7, 8, 1023, 1024];
  const zeros = counts.map(() => 0);
  assert.equal(
    errorByCount({ ratings: zeros, predictions: zeros }, counts).map(({ from, to, n }) => [from, to, n]),
    [
      [0, 0, 1],
      [1, 1, 1],
      [2, 3, 2],
      [4, 7, 2],
      [8, 15, 1],
      [512, 1023, 1],
      [1024, 2047, 1],
    ],
  );
});

test('the standard error is what the spread of the rmse of many samples is', () => {
  // 400 samples of 100 errors that are +-1 or +-2: the rmse of each, and what the first 50 say of their own error on average.
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const samples = Array.from({ length: 400 }, () => {
    const ratings = Array.from({ length: 100 }, () => (random() < 0.5 ? 1 : 2));
    return errorByCount(
      { ratings, predictions: ratings.map(() => 0) },
      ratings.map(() => 5),
    )[0];
  });
  const mean = samples.reduce((sum, { rmse }) => sum + rmse, 0) / samples.length;
  const sd = Math.sqrt(samples.reduce((sum, { rmse }) => sum + (rmse - mean) ** 2, 0) / samples.length);
  const said = samples.reduce((sum, { standardError }) => sum + standardError, 0) / samples.length;
  assert.ok(Math.abs(said / sd - 1) < 0.15, `${said} against ${sd}`);
  assert.is(errorByCount({ ratings: [1], predictions: [1] }, [1])[0].standardError, 0);
});

test('what cannot be compared is refused in a sentence', () => {
  const one = { ratings: [1], predictions: [2] };
  assert.throws(() => residuals({ ratings: [], predictions: [] }), /There are no ratings to compare/);
  assert.throws(() => residuals({ ratings: [1], predictions: [] }), /There are 1 ratings, but 0 predictions/);
  assert.throws(() => residuals({ ratings: [1], predictions: [NaN] }), /Rating 0 is 1 and its prediction NaN; both must be finite/);
  assert.throws(() => residuals(one, { binWidth: 0 }), /binWidth must be a positive number/);
  assert.throws(() => residuals({ ratings: [1, 5], predictions: [1, 1] }, { binWidth: 1e-6 }), /10,000 bins are the most/);
  assert.throws(() => residuals({ ratings: [5, 5], predictions: [1, 1] }, { binWidth: 1e-300 }), /binWidth 1e-300 is too small/);
  assert.throws(() => residuals(one, { bins: 3 } as never), /no option 'bins'/);
  assert.throws(() => errorByCount(one, []), /1 ratings, but 0 counts/);
  assert.throws(() => errorByCount(one, [1.5]), /counts\[0\] must be a whole number, not 1.5/);
});

test.run();
