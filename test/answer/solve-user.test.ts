import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identity, type RangeOp, sigmoidRange } from '../../shaders/ops/range.js';
import { dot, hessianFactor, solve, solveUser, type UserProblem } from '../../src/answer/solve-user.js';
import { softplusAbove } from '../helpers/ops.js';
import { randomSource } from '../helpers/random.js';

function problem(seed: number, nRatings: number, n: number, range: RangeOp, l2 = 0.4, spread = 1): UserProblem {
  const random = randomSource(seed);
  const vector = (length: number, make: (f: number) => number) => Float64Array.from({ length }, (_, f) => make(f));
  return {
    range,
    l2,
    rows: Array.from({ length: nRatings }, () => vector(n, (f) => (f === n - 1 ? 1 : spread * (random() - 0.5)))),
    prior: { mean: vector(n, () => random() / 3), sd: vector(n, () => 0.1 + random()) },
    itemBias: vector(nRatings, random),
    ratings: vector(nRatings, () => 1 + 4 * random()),
  };
}

/** What the solver minimises. */
function costAt({ range, prior, l2, rows, itemBias, ratings }: UserProblem, x: Float64Array): number {
  const errors = rows.map((row, k) => (range.value(dot(row, x) + itemBias[k]) - ratings[k]) ** 2);
  const distances = Array.from(x, (value, f) => (prior.sd[f] === 0 ? 0 : l2 * ((value - prior.mean[f]) / prior.sd[f]) ** 2));
  return [...errors, ...distances].reduce((sum, each) => sum + each, 0);
}

test('the solution is a minimum: no direction leads lower, for any problem and range', () => {
  const ranges = fc.constantFrom(identity, sigmoidRange([0, 5.5]), softplusAbove(0.5));
  const numbers = [fc.nat(1000), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 8 })] as const;
  fc.assert(
    fc.property(...numbers, ranges, fc.constantFrom(0.01, 0.4, 10), (seed, nRatings, n, range, l2) => {
      const one = problem(seed, nRatings, n, range, l2);
      const { x } = solveUser(one);
      const least = costAt(one, x);
      for (let f = 0; f < n; f++) {
        for (const step of [1e-4, -1e-4])
          assert.ok(
            costAt(
              one,
              x.map((value, i) => value + (i === f ? step : 0)),
            ) > least,
          );
      }
    }),
    { numRuns: 200, seed: 5 },
  );
});

test('without a range it is the solution of the normal equations', () => {
  const one = problem(3, 9, 4, identity);
  const { x, z, yHat, slope } = solveUser(one);
  const { mean, sd } = one.prior;
  for (let f = 0; f < 4; f++) {
    const gradient = one.rows.reduce((sum, row, k) => sum + row[f] * (yHat[k] - one.ratings[k]), (one.l2 * (x[f] - mean[f])) / sd[f] ** 2);
    assert.ok(Math.abs(gradient) < 1e-9, String(gradient));
  }
  assert.equal(z, yHat);
  assert.ok(slope.every((s) => s === 1));
});

test('scores and slopes are those of the solution, and prior scores those of the mean', () => {
  const range = sigmoidRange([0, 5.5]);
  const one = problem(4, 7, 5, range);
  const { x, z, yHat, slope, priorZ } = solveUser(one);
  one.rows.forEach((row, k) => {
    assert.ok(Math.abs(z[k] - (dot(row, x) + one.itemBias[k])) < 1e-12);
    assert.is(yHat[k], range.value(z[k]));
    assert.is(slope[k], range.grad(z[k]));
    assert.is(priorZ[k], dot(row, one.prior.mean) + one.itemBias[k]);
  });
});

test('a step that leads up is halved until it does not', () => {
  const one = problem(6, 2, 6, sigmoidRange([0, 5.5]), 0.01, 40);
  const solution = solveUser(one);
  assert.ok(solution.x.every(Number.isFinite));
  assert.ok(costAt(one, solution.x) <= costAt(one, one.prior.mean));
});

test('a column in which trained users do not differ stays at its mean', () => {
  const one = problem(7, 9, 5, identity);
  one.prior.sd[2] = 0;
  assert.is(solveUser(one).x[2], one.prior.mean[2]);
});

test('the Hessian is that of finite differences where predictions are the ratings, for any range', () => {
  for (const range of [identity, sigmoidRange([0, 5.5]), softplusAbove(0.5)]) {
    const one = problem(8, 9, 4, range);
    const { mean, sd } = one.prior;
    // At the mean every residual is zero, and with it what Gauss-Newton leaves out.
    const z = one.rows.map((row, k) => dot(row, mean) + one.itemBias[k]);
    const exact = { ...one, ratings: z.map(range.value) };
    const scaled = one.rows.map((row) => row.map((q, f) => q * sd[f]));
    const lower = hessianFactor(scaled, Float64Array.from(z, range.grad), one.l2);
    const h = 1e-4;
    const halfCost = (i: number, j: number, a: number, b: number) =>
      costAt(
        exact,
        mean.map((m, f) => m + sd[f] * h * ((f === i ? a : 0) + (f === j ? b : 0))),
      ) / 2;
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j <= i; j++) {
        const numeric = (halfCost(i, j, 1, 1) - halfCost(i, j, 1, -1) - halfCost(i, j, -1, 1) + halfCost(i, j, -1, -1)) / (4 * h * h);
        let analytic = 0;
        for (let k = 0; k <= j; k++) analytic += lower[i * 4 + k] * lower[j * 4 + k];
        assert.ok(Math.abs(numeric - analytic) < 1e-5, `${range.name} ${i} ${j}: ${numeric} ${analytic}`);
      }
    }
  }
});

test('solve inverts L L transposed', () => {
  const lower = Float64Array.of(2, 0, 0, -1, 3, 0, 0.5, 1, 1.5);
  const x = solve(lower, Float64Array.of(1, 2, 3));
  const times = (matrix: (i: number, j: number) => number, v: ArrayLike<number>) =>
    [0, 1, 2].map((i) => [0, 1, 2].reduce((sum, j) => sum + matrix(i, j) * v[j], 0));
  const back = times(
    (i, j) => lower[3 * i + j],
    times((i, j) => lower[3 * j + i], x),
  );
  back.forEach((value, i) => assert.ok(Math.abs(value - [1, 2, 3][i]) < 1e-12));
});

test.run();
