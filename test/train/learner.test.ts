import type { LearnerOptions } from '../../src/train/options.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DivergedError, ShaderCompileError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { collabLearner, type CollabLearner, type OneCycleFitOptions } from '../../src/train/learner.js';
import { smallData } from '../helpers/data.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { logCosh, rmsProp,  } from '../helpers/ops.js';
import { assertClose, STEPPERS, randomTables, sameBits } from '../helpers/training.js';

const gpu = await sharedGpu();
const data = smallData();
const usual: LearnerOptions = { gpu, nFactors: 8, yRange: [0, 5.5], wd: 0.1 };

/** Everything that a run leaves: losses, tables and validation. */
async function outcome(learn: CollabLearner): Promise<number[]> {
  const { userFactors, itemFactors, userBias, itemBias } = await learn.tables();
  const { loss, mse, mae } = await learn.validate();
  return [...learn.history.losses, ...userFactors, ...itemFactors, ...userBias, ...itemBias, loss, mse, mae];
}

/** One short run. */
async function run(
  options: LearnerOptions = {},
  fit: (learn: CollabLearner) => Promise<unknown> = (learn) => learn.fitOneCycle(1, 0.01),
  of = data,
): Promise<number[]> {
  const learn = await collabLearner(of, { ...usual, ...options });
  await fit(learn);
  const result = await outcome(learn);
  learn.release();
  return result;
}

const baseline = await run();

test('it learns', async () => {
  const learn = await collabLearner(data, usual);
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
    assertClose(runs[0], baseline, 1e-5, stepper);
  });
}

test('several fits continue one another, the same every time', async () => {
  const fits = async (learn: CollabLearner) => {
    await learn.fitOneCycle(1, 0.02);
    await learn.fit(2, 0.001);
  };
  const runs = [await run({}, fits), await run({}, fits)];
  assert.ok(sameBits(runs[0], runs[1]));
});

const reversed = Uint32Array.from({ length: data.nTrain }, (_, k) => data.nTrain - 1 - k);
const changes: Record<string, LearnerOptions> = {
  nFactors: { nFactors: 9 },
  yRange: { yRange: [0, 5] },
  'no yRange': { yRange: null },
  wd: { wd: 0.2 },
  wdBias: { wdBias: 0 },
  bias: { bias: false },
  defaults: { defaults: 'fastai2' },
  eps: { eps: 1e-3 },
  beta2: { beta2: 0.999 },
  seed: { seed: 6 },
  init: { init: randomTables({ nUsers: data.nUsers, nItems: data.nItems, nFactors: 8, bias: true }, 1) },
  order: { order: () => reversed },
  loss: { loss: logCosh },
  optimizer: { optimizer: sgd },
};
for (const [name, options] of Object.entries(changes)) {
  test(`option ${name} changes the result`, async () => {
    const changed = await run(options);
    assert.ok(changed.every(Number.isFinite));
    assert.not(sameBits(changed, baseline));
  });
}

test('the defaults alone, on the same schedule, changes eps', async () => {
  const constant = (learn: CollabLearner) => learn.fit(1, 0.01);
  const [one, two] = [await run({ eps: 1e-5 }, constant), await run({ defaults: 'fastai2' }, constant)];
  assert.ok(sameBits(one, two));
  assert.not(sameBits(one, await run({}, constant)));
});

test('the seed decides starting values and order, each', async () => {
  const init = changes['init'].init!;
  assert.not(sameBits(await run({ init }), await run({ init, seed: 6 })));
  const order = () => reversed;
  assert.not(sameBits(await run({ order }), await run({ order, seed: 6 })));
  assert.ok(sameBits(await run({ init, order }), await run({ init, order, seed: 6 })));
});

test("every epoch has an order of its own, the next fit's too", async () => {
  const epochs: number[] = [];
  const learn = await collabLearner(data, { ...usual, order: (epoch) => (epochs.push(epoch), reversed) });
  await learn.fitOneCycle(2, 0.01);
  await learn.fit(1);
  assert.equal(epochs, [0, 1, 2]);
  learn.release();
});

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

for (const stepper of STEPPERS) {
  test(`${stepper}: lrFind leaves model, optimiser and position as they were`, async () => {
    const sweep = { numIt: 70 }; // more than an epoch
    const around = async (learn: CollabLearner, find: boolean) => {
      await learn.fitOneCycle(1, 0.01);
      const before = await learn.embeddings.readState();
      if (find) {
        const found = await learn.lrFind(sweep);
        assert.ok(found.lrs.length > 30 && found.valley > 0);
        const after = await learn.embeddings.readState();
        for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(before[name], after[name]), name);
      }
      await learn.fitOneCycle(1, 0.01);
    };
    assert.ok(sameBits(await run({ stepper }, (learn) => around(learn, true)), await run({ stepper }, (learn) => around(learn, false))));
  });
}

test('options of lrFind change its rates', async () => {
  const learn = await collabLearner(data, usual);
  const { lrs } = await learn.lrFind({ startLr: 1e-5, endLr: 0.1, numIt: 20 });
  assert.is(lrs[0], 1e-5);
  assert.is(lrs.length, 20);
  const far = { startLr: 1e-3, endLr: 1e5, numIt: 60 };
  const stopped = await collabLearner(data, { ...usual, yRange: null });
  assert.is((await stopped.lrFind(far)).stopped, 'diverged');
  assert.is((await stopped.lrFind({ ...far, stopDiv: false })).lrs.length, 60);
  [learn, stopped].forEach((each) => each.release());
});

test('a run that diverges says so, with step and rate', async () => {
  const learn = await collabLearner(data, { ...usual, yRange: null });
  const error = await learn.fit(1, 1e20).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, DivergedError);
  assert.match((error as Error).message, /not finite at step \d+ \(lr 100000000000000000000\)/);
  learn.release();
});

test('the recorder holds every step, and onProgress and onEpoch tell of it', async () => {
  const learn = await collabLearner(data, usual);
  const steps: number[] = [];
  const epochs: number[] = [];
  await learn.fitOneCycle(2, 0.01, {
    onProgress: ({ step, nSteps }) => {
      steps.push(step);
      assert.is(nSteps, 100);
    },
    onEpoch: ({ epoch }) => {
      epochs.push(epoch);
    },
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

test('onEpoch and a signal stop a fit, at an epoch', async () => {
  const learn = await collabLearner(data, usual);
  assert.is((await learn.fitOneCycle(3, 0.01, { onEpoch: () => true })).length, 1);
  const stop = new AbortController();
  assert.is(
    (
      await learn.fitOneCycle(3, 0.01, {
        signal: stop.signal,
        onEpoch: ({ epoch }) => {
          if (epoch === 1) stop.abort();
        },
      })
    ).length,
    2,
  );
  learn.release();
});

const refusals: [LearnerOptions, RegExp][] = [
  [{ nFactors: 0 }, /nFactors must be a whole number of at least 1, not 0/],
  [{ nFactors: 2.5 }, /nFactors .* not 2.5/],
  [{ yRange: [5, 0] }, /yRange must be two finite numbers, lo < hi, not \[5,0\]/],
  [{ yRange: [0, NaN] }, /yRange/],
  [{ wd: -1 }, /wd must be a number of at least 0, not -1/],
  [{ wdBias: Infinity }, /wdBias/],
  [{ beta2: 1 }, /beta2 must lie in \(0, 1\), not 1/],
  [{ eps: 0 }, /eps must lie/],
  [{ defaults: 'fastai3' as 'fastai2' }, /defaults must be 'fastai1' or 'fastai2', not fastai3/],
  [{ optimizer: sgd, stepper: 'lazy' }, /train with stepper 'dense' for sgd/],
  [{ init: randomTables({ nUsers: 3, nItems: 3, nFactors: 8, bias: true }, 1) }, /userFactors must hold/],
];
for (const stepper of STEPPERS) {
  test(`a loss whose WGSL does not compile is refused, and nothing stays allocated (${stepper})`, async () => {
    const before = gpu.allocated;
    const error = await collabLearner(data, { ...usual, stepper, loss: { ...logCosh, name: 'broken', wgsl: 'fn loss(' } }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.instance(error, ShaderCompileError);
    assert.is(gpu.allocated, before);
  });
}

for (const [options, message] of refusals) {
  test(`${Object.entries(options).map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value)?.slice(0, 20) : String(value)}`)} is refused`, async () => {
    const before = gpu.allocated;
    const error = await collabLearner(data, { ...usual, ...options }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.instance(error, RangeError);
    assert.match(error!.message, message);
    assert.is(gpu.allocated, before, 'nothing stays allocated');
  });
}

test('epochs and rates out of range are refused', async () => {
  const learn = await collabLearner(data, usual);
  assert.throws(() => learn.fitOneCycle(0), /epochs must be a whole number of at least 1, not 0/);
  assert.throws(() => learn.fit(1.5), /epochs/);
  assert.throws(() => learn.fitOneCycle(1, -1), /lrMax/);
  learn.release();
});

for (const stepper of STEPPERS) {
  test(`${stepper}: release gives all memory back`, async () => {
    const before = gpu.allocated;
    const learn = await collabLearner(data, { ...usual, stepper });
    await learn.fitOneCycle(1, 0.01);
    await learn.lrFind({ numIt: 10, endLr: 0.1 });
    await learn.fit(1, 0.01);
    await learn.predictRows([1, 2], [3, 4]);
    assert.ok(gpu.allocated > before);
    learn.release();
    assert.is(gpu.allocated, before);
  });
}

test('a GPUDevice may be lent', async () => {
  const device = await freshDevice();
  const learn = await collabLearner(data, { ...usual, gpu: device });
  await learn.fitOneCycle(1, 0.01);
  assertClose(await outcome(learn), baseline, 1e-5, 'outcome');
  learn.release();
  learn.gpu.destroy();
  const buffer = device.createBuffer({ size: 4, usage: 0x80 | 4 });
  assert.equal([...(await Gpu.borrow(device).readWords(buffer))], [0]);
  device.destroy();
});

test('without WebGPU the message says what to do', async () => {
  const error = await collabLearner(data).then(() => '', String);
  assert.match(error, /No WebGPU here: in Node, import from 'dotbias\/node'/);
});

test('showResults lists validation ratings with predictions', async () => {
  const learn = await collabLearner(data, usual);
  const rows = await learn.showResults(3);
  assert.is(rows.length, 3);
  const predictions = await learn.predict(
    rows.map(({ user }) => user),
    rows.map(({ item }) => item),
  );
  assert.equal(
    rows.map(({ prediction }) => prediction),
    [...predictions],
  );
  assert.equal(
    rows.map(({ rating }) => rating),
    [...data.valid.ratings.subarray(0, 3)],
  );
  learn.release();
});

test.run();
