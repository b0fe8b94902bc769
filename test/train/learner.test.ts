import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DivergedError } from '../../src/base/errors.js';
import { CollabData } from '../../src/data/collab-data.js';
import type { CollabLearner, OneCycleFitOptions } from '../../src/train/learner.js';
import { smallData } from '../helpers/data.js';
import { assertRefused, refusal } from '../helpers/refusal.js';
import { data, makeLearner, outcomeOf, run } from '../helpers/short-run.js';
import { assertClose, sameBits, STEPPERS } from '../helpers/training.js';

const test = suite('learner');
const baseline = await run();

test('it learns', async () => {
  const learn = await makeLearner();
  const before = await learn.validate();
  const records = await learn.fitOneCycle(5, 0.03);
  assert.is(records.length, 5);
  assert.ok(records[4].valid.mse < 0.75 * before.mse, `from ${before.mse} to ${records[4].valid.mse}`);
  assert.equal(await learn.validate(), records[4].valid);
  learn.release();
});

for (const stepper of STEPPERS) {
  test(`${stepper}: the same seed gives the same bits, and the numbers of the other steppers`, async () => {
    const runs = [await run({ stepper }), await run({ stepper })];
    assert.ok(sameBits(runs[0], runs[1]));
    assertClose(runs[0], baseline, 2e-6, stepper);
  });
}

test('the same seed gives the same numbers on every adapter, up to rounding', async () => {
  const learn = await makeLearner();
  await learn.fitOneCycle(2, 0.02);
  await learn.fit(1, 0.005);
  const { losses } = learn.history;
  const { mse, mae } = await learn.validate();
  const { userFactors, itemFactors, userBias, itemBias } = await learn.tables();
  learn.release();
  const found = [losses[0], losses[149], mse, mae, userFactors[100], itemFactors[300], userBias[7], itemBias[9]];
  const wanted = [2.6908033, 0.7883234, 1.0223563, 0.7981739, 0.3284719, 0.1248409, 0.0388717, 0.3959854];
  assertClose(found, wanted, 2e-6, 'number');
});

test('several fits continue one another, the same every time', async () => {
  const fits = async (learn: CollabLearner) => {
    await learn.fitOneCycle(1, 0.02);
    await learn.fit(2, 0.001);
  };
  const runs = [await run({}, fits), await run({}, fits)];
  assert.ok(sameBits(runs[0], runs[1]));
});

test('by default each epoch has an order of its own, and so has the first of the next fit', async () => {
  const learn = await makeLearner();
  const orders = [0, 1, 2, 3].map((epoch) => learn.trainer.order(epoch));
  assert.is(new Set(orders.map(String)).size, 4);
  const given = await makeLearner({ order: (epoch) => orders[epoch] });
  const fits = async (each: CollabLearner) => {
    await each.fit(2, 0.01);
    await each.fit(2, 0.01);
    return outcomeOf(each);
  };
  assert.ok(sameBits(await fits(learn), await fits(given)), 'these are the orders used');
});

test('an order of the caller is asked for once for each epoch of its life, and refused as a sentence', async () => {
  const rows = learnable(0);
  const epochs: number[] = [];
  const learn = await makeLearner({ order: (epoch) => (epochs.push(epoch), epoch < 3 ? rows : rows.subarray(1)) });
  await learn.fitOneCycle(2, 0.01);
  await learn.fit(1);
  assert.equal(epochs, [0, 1, 2]);
  await assertRefused(() => learn.fit(1), /^order\(3\) must hold the 1600 training rows, not 1599\.$/);
  assert.is(learn.trainer.stepCount, 150);
  learn.release();
});

/** All training rows, from one of them on. */
function learnable(first: number): Uint32Array {
  return Uint32Array.from({ length: data.nTrain }, (_, k) => (first + k) % data.nTrain);
}

test('the seed and the batch size of the data count', async () => {
  assert.not(sameBits(await run({}, undefined, smallData({ batchSize: 16 })), baseline));
  assert.ok(sameBits(await run({ seed: 5 }), baseline));
});

const fits: Record<string, [lrMax: number, OneCycleFitOptions]> = {
  lrMax: [0.02, {}],
  divFactor: [0.01, { divFactor: 10 }],
  finalDiv: [0.01, { finalDiv: 10 }],
  pctStart: [0.01, { pctStart: 0.5 }],
  moms: [0.01, { moms: [0.9, 0.8] }],
};
for (const [name, [lrMax, options]] of Object.entries(fits)) {
  test(`option ${name} of fitOneCycle changes the result`, async () => {
    assert.not(sameBits(await run({}, (learn) => learn.fitOneCycle(1, lrMax, options)), baseline));
  });
}

test('lr of fit changes the result', async () => {
  assert.not(sameBits(await run({}, (learn) => learn.fit(1, 0.01)), await run({}, (learn) => learn.fit(1, 0.02))));
});

test('a fastai2 fit at a constant rate goes on with the beta1 that the last fit left, a fastai1 fit has 0.9', async () => {
  const lastBeta1 = (learn: CollabLearner) => learn.history.beta1s.at(-1);
  const two = await makeLearner({ defaults: 'fastai2' });
  await two.fit(1, 0.01);
  assert.is(lastBeta1(two), 0.9);
  await two.fitOneCycle(1, 0.01, { moms: [0.97, 0.8] });
  const left = lastBeta1(two)!;
  assert.ok(left > 0.96 && left < 0.97, String(left));
  await two.fit(1, 0.01);
  assert.is(lastBeta1(two), left);
  const stopped = await makeLearner({ defaults: 'fastai2' });
  await stopped.fitOneCycle(4, 0.01, { onEpoch: ({ epoch }) => epoch === 1 });
  const peak = lastBeta1(stopped)!;
  assert.ok(peak > 0.85 && peak < 0.94, String(peak));
  await stopped.fit(1, 0.01);
  assert.is(lastBeta1(stopped), peak);
  const one = await makeLearner();
  await one.fitOneCycle(1, 0.01, { moms: [0.97, 0.8] });
  await one.fit(1, 0.01);
  assert.is(lastBeta1(one), 0.9);
  for (const learn of [one, two, stopped]) learn.release();
});

test('a run that diverges says so, with step and rate', async () => {
  const learn = await makeLearner({ yRange: null });
  await assertRefused(() => learn.fit(1, 1e20), /not finite at step \d+ \(lr 100000000000000000000\)/, DivergedError);
  learn.release();
});

test('the history holds every step, and onProgress and onEpoch tell of it', async () => {
  const learn = await makeLearner();
  const steps: number[] = [];
  const epochs: number[] = [];
  await learn.fitOneCycle(2, 0.01, {
    onProgress: ({ step, totalSteps }) => {
      steps.push(step);
      assert.is(totalSteps, 100);
    },
    onEpoch: ({ epoch }) => void epochs.push(epoch),
  });
  assert.equal(steps, [50, 100]);
  assert.equal(epochs, [0, 1]);
  const { losses, smoothLosses, lrs, beta1s, epochs: records } = learn.history;
  assert.equal(
    [losses, smoothLosses, lrs, beta1s].map((each) => each.length),
    [100, 100, 100, 100],
  );
  assert.is(records[1].trainLoss, smoothLosses[99]);
  assert.is(Math.max(...lrs), 0.01);
  learn.release();
});

test("onProgress has the losses and learning rates of each submission, whose arrays are the receiver's own", async () => {
  const learn = await makeLearner({ stepsPerSubmission: 20 });
  const [losses, lrs, smoothLosses]: number[][] = [[], [], []];
  await learn.fit(2, 0.01, {
    onProgress: (progress) => {
      assert.equal([progress.firstStep, progress.epoch], [losses.length, Math.floor(losses.length / 50)]);
      losses.push(...progress.losses);
      lrs.push(...progress.lrs);
      smoothLosses.push(...progress.smoothLosses);
      assert.equal([progress.step, progress.trainLoss], [losses.length, smoothLosses.at(-1)]);
      for (const each of [progress.losses, progress.lrs, progress.smoothLosses]) each.fill(NaN);
    },
  });
  assert.equal([losses, lrs, smoothLosses], [learn.history.losses, learn.history.lrs, learn.history.smoothLosses]);
  assert.ok(losses.every(Number.isFinite));
  learn.release();
});

test('onEpoch and a signal stop a fit, at an epoch', async () => {
  const learn = await makeLearner();
  assert.is((await learn.fitOneCycle(3, 0.01, { onEpoch: () => true })).length, 1);
  const stop = new AbortController();
  const onEpoch = ({ epoch }: { epoch: number }) => {
    if (epoch === 1) stop.abort();
  };
  assert.is((await learn.fitOneCycle(3, 0.01, { signal: stop.signal, onEpoch })).length, 2);
  learn.release();
});

test('epochs, rates and options of a fit that cannot be are refused in a sentence, and nothing is trained', async () => {
  const learn = await makeLearner();
  await assertRefused(() => learn.fitOneCycle(0), /^epochs must be a whole number of at least 1, not 0\.$/);
  await assertRefused(() => learn.fit(1.5), /epochs .* not 1\.5/);
  await assertRefused(() => learn.fitOneCycle(1, -1), /lrMax must be a positive number, not -1/);
  await assertRefused(() => learn.fit(1, NaN), /lr must be a positive number, not NaN/);
  const { message } = await refusal(() => learn.fit(1e9));
  assert.match(
    message,
    /epochs must be at most [0-9]+ here, not 1000000000: a fit has at most 10000000 steps, and an epoch 50; make several fits\.$/,
  );
  await assertRefused(() => learn.fitOneCycle(1e9), /at most 10000000 steps/);
  await assertRefused(() => learn.fit(1, 0.01, { onepoch: 1 } as never), /fit has no option 'onepoch'; did you mean onEpoch\?/, TypeError);
  await assertRefused(() => learn.fitOneCycle(1, 0.01, { divfactor: 1 } as never), /did you mean divFactor\?/, TypeError);
  assert.is(learn.trainer.stepCount, 0);
  learn.release();
});

test('showResults lists validation ratings with predictions', async () => {
  const learn = await makeLearner();
  const rows = await learn.showResults(3);
  const predictions = await learn.predict(
    rows.map(({ user }) => user),
    rows.map(({ item }) => item),
  );
  assert.equal(
    rows.map(({ rating, prediction }) => [rating, prediction]),
    Array.from(predictions, (prediction, k) => [data.valid.ratings[k], prediction]),
  );
  assert.is((await learn.showResults(1e6)).length, data.nValid);
  for (const n of [0, -1, 2.5]) await assertRefused(() => learn.showResults(n), /n must be a whole number of at least 1/);
  learn.release();
});

test("without validation ratings there is nothing to measure; the notes of the data are the learner's", async () => {
  const all = CollabData.fromRows(
    [
      [1, 1, 3],
      [1, 2, 4],
      [1, 2, 4],
    ],
    { validPct: 0 },
  );
  const learn = await makeLearner({ nFactors: 2 }, all);
  await assertRefused(() => learn.validate(), /^There are no validation ratings, so that nothing can be measured\.$/);
  const [record] = await learn.fitOneCycle(1, 0.01);
  assert.ok(Number.isNaN(record.validLoss));
  assert.equal(learn.notes, all.notes);
  assert.match(learn.notes.join(' '), /^1 pair of user and item is rated more than once .* There are only 3 training ratings/);
  learn.release();
});

test.run();
