import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identity, sigmoidRange } from '../../shaders/ops/range.js';
import { CollabData, collabLearner, DotbiasError, type GivenRating, hash32 } from '../../src/index.js';
import { deviations } from '../../src/answer/deviations.js';
import { dot, solveUser } from '../../src/answer/solve-user.js';
import { sharedGpu } from '../helpers/gpu.js';
import { randomSource } from '../helpers/random.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

const sizes = { nUsers: 50, nItems: 40, nFactors: 6 };
const tables = tablesOf(sizes, (table, i) => hash32(8, table, i, 0) / 2 ** 32 - 0.5);
const given: GivenRating[] = [
  ['i3', 5],
  ['i9', 1],
  ['i17', 4],
];

for (const range of [identity, sigmoidRange([0, 5.5])]) {
  test(`the variance is that of Gaussian conditioning on the ratings given: ${range.name}`, async () => {
    const random = randomSource(9);
    const vector = (n: number, from = 0) => Float64Array.from({ length: n }, () => from + random());
    const rows = [vector(5), vector(5), vector(5)];
    const prior = { mean: vector(5), sd: vector(5, 0.1) };
    const { slope } = solveUser({ range, prior, l2: 0.3, rows, itemBias: vector(3), ratings: vector(3, 2) });
    const v = 0.7;
    const [target, targetSlope] = [vector(5), 0.8];
    const model = { residualVariance: async () => v } as never;
    const [sd] = await deviations(model, prior, rows, slope, [target], Float64Array.of(targetSlope));
    // The same by covariances of ratings: k(a, b) = slopes * sum of q_a q_b sd^2; the part of the user is
    // k** - k*' (K + v I)^-1 k*, one rating after the other.
    const all = [...rows.map((q, k) => q.map((x, f) => x * prior.sd[f] * slope[k])), target.map((x, f) => x * prior.sd[f] * targetSlope)];
    const cov = all.map((a) => all.map((b) => dot(a, b)));
    for (let k = 0; k < 3; k++) {
      const [pivot, column] = [cov[k][k] + v, cov.map((row) => row[k])];
      for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) cov[i][j] -= (column[i] * column[j]) / pivot;
    }
    assert.ok(Math.abs(sd - Math.sqrt(v + cov[3][3])) < 1e-6, `${sd} ${Math.sqrt(v + cov[3][3])}`);
  });
}

test('more ratings make predictions surer, and never surer than ratings scatter', async () => {
  const model = await modelOf(sizes, tables, { residualVariance: 0.8 });
  const items = Array.from({ length: 39 }, (_, k) => `i${k + 1}`);
  const sds = await Promise.all(
    [1, 3, 30].map(async (n) => {
      const user = await model.foldIn(items.slice(0, n).map((item, k): GivenRating => [item, 1 + (k % 5)]));
      const { predictions, sd } = await user.predict(items, { sd: true });
      assert.equal(predictions, await user.predict(items));
      assert.ok(sd.every((each) => each > Math.sqrt(0.8)));
      return sd.reduce((sum, each) => sum + each, 0);
    }),
  );
  assert.ok(sds[0] > sds[1] && sds[1] > sds[2], sds.join(' '));
  assert.equal(await (await model.foldIn(given)).predict([], { sd: true }), { predictions: new Float32Array(0), sd: new Float32Array(0) });
  model.release();
});

test('what has no sd is refused: a model that does not know its error, and an item that training never saw', async () => {
  const model = await modelOf(sizes, tables);
  const user = await model.foldIn(given);
  await assertRefused(() => user.predict(['i1'], { sd: true }), /^This model does not know how far off its predictions are/, DotbiasError);
  await assertRefused(() => user.predict(['x'], { sd: true }), /^Training saw no item 'x'\.$/);
  await assertRefused(() => user.predict(['i1'], { sd: true, unknown: 'mean' }), /^With sd, unknown must be 'error', not 'mean'/);
  await assertRefused(() => user.predict(['i1'], { sd: 1 as never }), /^sd must be true or false, not 1\.$/);
  assert.is((await user.predict(['x'], { sd: false })).length, 1);
  model.release();
});

test('a learner knows its error as it is now, and none without validation ratings', async () => {
  const rows = Array.from({ length: 60 }, (_, k) => [k % 6, (k * 7) % 9, 1 + (k % 5)] as const);
  const options = { nFactors: 4, yRange: [0, 5.5] as const, gpu: await sharedGpu() };
  const learn = await collabLearner(CollabData.fromRows(rows, { batchSize: 8 }), options);
  const before = await learn.residualVariance();
  assert.is(before, (await learn.validate()).mse);
  await learn.fitOneCycle(2, 0.05);
  const after = await learn.residualVariance();
  assert.is.not(after, before);
  assert.is(after, (await learn.validate()).mse);
  learn.release();
  const all = await collabLearner(CollabData.fromRows(rows, { batchSize: 8, validPct: 0 }), options);
  assert.is(await all.residualVariance(), undefined);
  all.release();
});

test.run();
