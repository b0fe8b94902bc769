// One thing at a time: what changes a model excludes what else does, and what reads it does not.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError } from '../../src/base/errors.js';
import { sharedGpu } from '../helpers/gpu.js';
import { assertRefused } from '../helpers/refusal.js';
import { data, makeLearner, outcomeOf, run } from '../helpers/short-run.js';
import { sameBits } from '../helpers/training.js';

const test = suite('overlap');
const gpu = await sharedGpu();
const alone = await run({}, (learn) => learn.fit(3, 0.01));

for (const [what, intrude] of Object.entries({
  fit: (learn) => learn.fit(2),
  fitOneCycle: (learn) => learn.fitOneCycle(2),
  lrFind: (learn) => learn.lrFind(),
  release: async (learn) => learn.release(),
} satisfies Record<string, (learn: Awaited<ReturnType<typeof makeLearner>>) => Promise<unknown>>)) {
  test(`${what} during a fit is refused, and the fit ends as if alone`, async () => {
    const learn = await makeLearner();
    const sentence = new RegExp(
      `^${what} cannot begin while fit of the same learner is under way: await that first, or leave its loop\\.$`,
    );
    const intrusions: Promise<void>[] = [];
    const intrudeNow = () => void intrusions.push(assertRefused(() => intrude(learn), sentence, DotbiasError));
    const fit = learn.fit(3, 0.01, { onProgress: intrudeNow, onEpoch: intrudeNow });
    intrudeNow();
    assert.is((await fit).length, 3);
    assert.is(intrusions.length, 7);
    await Promise.all(intrusions);
    assert.is(learn.trainer.stepCount, 150);
    assert.is(learn.history.losses.length, 150);
    assert.ok(sameBits(await outcomeOf(learn), alone));
  });
}

test('a fit or release during lrFind is refused, and lrFind leaves the model as it was', async () => {
  const learn = await makeLearner();
  const before = await learn.embeddings.readState();
  const finding = learn.lrFind({ numIt: 30 });
  await assertRefused(() => learn.fit(1), /^fit cannot begin while lrFind of the same learner/, DotbiasError);
  await assertRefused(() => learn.release(), /^release cannot begin while lrFind/, DotbiasError);
  await assertRefused(() => learn.lrFind(), /^lrFind cannot begin while lrFind/, DotbiasError);
  assert.ok((await finding).lrs.length > 7);
  const after = await learn.embeddings.readState();
  for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(after[name]!, before[name]!), name);
  learn.release();
});

test('reading is allowed beside a fit, gives numbers of some moment of it, and does not change it', async () => {
  const learn = await makeLearner();
  const { users, items } = data;
  const read = async () => {
    const pair = [[users.idOf(1)], [items.idOf(1)]] as const;
    const [predicted, list, { mse }] = await Promise.all([learn.predict(...pair), learn.recommend(users.idOf(2), 3), learn.validate()]);
    assert.ok(predicted.length === 1 && list.length === 3 && [...predicted, mse].every(Number.isFinite));
  };
  const reads = [read()];
  await learn.fit(3, 0.01, { onProgress: () => void reads.push(read()), onEpoch: read });
  assert.is(reads.length, 4);
  await Promise.all(reads);
  assert.ok(sameBits(await outcomeOf(learn), alone));
});

test('after a fit that failed or was refused the next may begin', async () => {
  const learn = await makeLearner();
  const failing = () => {
    throw new Error('mine.');
  };
  await assertRefused(() => learn.fit(1, 0.01, { onEpoch: failing }), /mine/, Error);
  await assertRefused(() => learn.fit(0), /epochs/);
  assert.is((await learn.fit(1, 0.01)).length, 1);
  learn.release();
});

test('release gives all memory back, and does nothing a second time', async () => {
  const before = gpu.allocated;
  const learn = await makeLearner();
  const other = await makeLearner();
  const held = gpu.allocated;
  await learn.fitOneCycle(1, 0.01);
  await learn.lrFind({ numIt: 10, endLr: 0.1 });
  await learn.fit(1, 0.01);
  await learn.predictRows([1, 2], [3, 4]);
  learn.release();
  assert.is(gpu.allocated - before, (held - before) / 2);
  learn.release();
  assert.is(gpu.allocated - before, (held - before) / 2);
  other.release();
  assert.is(gpu.allocated, before);
  for (const use of [
    () => learn.fit(1),
    () => learn.lrFind(),
    () => learn.validate(),
    () => learn.tables(),
    () => learn.predictRows([1], [1]),
    () => learn.recommendAll(),
    () => learn.showResults(),
  ]) {
    await assertRefused(use, /^This model has been released/, DotbiasError);
  }
});

test.run();
