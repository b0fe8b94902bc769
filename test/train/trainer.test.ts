import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identity } from '../../shaders/ops/range.js';
import { DivergedError } from '../../src/base/errors.js';
import type { CollabData } from '../../src/data/collab-data.js';
import { EmbeddingTables } from '../../src/model/tables.js';
import { ReferenceTrainer } from '../../src/reference/trainer.js';
import { constant, oneCycle } from '../../src/schedule/schedule.js';
import type { Stepper, StepperFactory, StepperName, StepOptions } from '../../src/steps/stepper.js';
import { STEPPERS as FACTORIES } from '../../src/train/choose-stepper.js';
import { Trainer } from '../../src/train/trainer.js';
import { smallData } from '../helpers/data.js';
import { sharedGpu } from '../helpers/gpu.js';
import { refusal } from '../helpers/refusal.js';
import { makeLearner } from '../helpers/short-run.js';
import { assertClose, randomTables, sameBits, stepOptions, STEPPERS } from '../helpers/training.js';

const gpu = await sharedGpu();
const data = smallData();

interface Setup {
  of?: CollabData;
  nFactors?: number;
  stepper?: StepperName;
  options?: Partial<StepOptions>;
  factory?: StepperFactory;
}

async function setUp({ of = data, nFactors = 8, stepper = 'lazy', options, factory = FACTORIES[stepper] }: Setup = {}) {
  const shape = { nUsers: of.nUsers, nItems: of.nItems, nFactors, hasBias: true };
  const model = new EmbeddingTables(gpu, shape, { nCopies: 2, nState: 2 });
  const tables = randomTables(shape, 1);
  model.writeTables(tables);
  const step = stepOptions({ batchSize: of.batchSize, ...options });
  const order = (epoch: number) => Uint32Array.from({ length: of.nTrain }, (_, k) => (k * 7 + 13 * epoch) % of.nTrain);
  const trainer = await Trainer.create(model, of, step, order, factory);
  const release = () => {
    trainer.release();
    model.release();
  };
  return { model, tables, trainer, release, step, reference: () => new ReferenceTrainer(shape, tables, step), order };
}

test('the losses of all steps arrive in order, and an epoch after its steps', async () => {
  const { trainer, release } = await setUp();
  assert.is(trainer.stepsPerEpoch, 50);
  const events: string[] = [];
  const done = await trainer.fit(oneCycle({ totalSteps: 120, lrMax: 0.01 }), {
    onSteps: (step, losses) => events.push(`${step}+${losses.length}`),
    onEpoch: async (epoch) => void events.push(`epoch ${epoch}`),
  });
  assert.equal(events, ['0+50', 'epoch 0', '50+50', 'epoch 1', '100+20', 'epoch 2']);
  assert.is(done, 120);
  assert.is(trainer.stepCount, 120);
  assert.is(trainer.epochCount, 3);
  release();
});

for (const stepper of STEPPERS) {
  test(`${stepper}: an epoch of several submissions is the reference trainer's`, async () => {
    // Rows so wide that a submission holds half of the epoch's 250 steps, and 23 of those that pass over all rows.
    const of = smallData({ validPct: 0, batchSize: 8 });
    const { trainer, model, reference, release, order } = await setUp({ of, nFactors: 800, stepper });
    assert.is(trainer.stepsPerEpoch, 250);
    assert.is(trainer.maxSteps, FACTORIES[stepper].nCopies === 2 ? 125 : 23);
    const schedule = oneCycle({ totalSteps: 250, lrMax: 0.002 });
    const losses: number[] = [];
    await trainer.fit(schedule, {
      onSteps: (step, some) => {
        assert.is(step, losses.length);
        losses.push(...some);
      },
    });
    const expected = reference();
    const { users, items, ratings } = of.train;
    const rows = order(0);
    const wanted = Array.from(schedule.lr, (lr, s) => {
      const batch = [...rows.subarray(8 * s, 8 * s + 8)];
      return expected.step(
        batch.map((k) => users[k]),
        batch.map((k) => items[k]),
        batch.map((k) => ratings[k]),
        lr,
        schedule.beta1[s],
      );
    });
    assertClose(losses, wanted, 1.5e-5, 'loss');
    assertClose((await model.readState()).param, expected.param, 8e-6, 'param');
    release();
  });
}

test('a second fit continues the first, as the reference trainer does', async () => {
  const { trainer, model, reference, release, order } = await setUp();
  const expected = reference();
  const { users, items, ratings } = data.train;
  for (const schedule of [oneCycle({ totalSteps: 50, lrMax: 0.02 }), constant({ totalSteps: 50, lr: 0.005 })]) {
    const rows = order(trainer.epochCount);
    await trainer.fit(schedule);
    schedule.lr.forEach((lr, s) => {
      const batch = [...rows.subarray(32 * s, 32 * s + 32)];
      expected.step(
        batch.map((k) => users[k]),
        batch.map((k) => items[k]),
        batch.map((k) => ratings[k]),
        lr,
        schedule.beta1[s],
      );
    });
  }
  assertClose((await model.readState()).param, expected.param, 4e-6, 'param');
  release();
});

test('a fit goes on from a later epoch as if it had made those before', async () => {
  const schedule = oneCycle({ totalSteps: 150, lrMax: 0.02 });
  const whole = await setUp();
  await whole.trainer.fit(schedule);
  const parts = await setUp();
  await parts.trainer.fit(schedule, { onEpoch: async (epoch) => epoch === 0 });
  assert.is(parts.trainer.stepCount, 50);
  assert.is(await parts.trainer.fit(schedule, {}, 1), 150);
  const [a, b] = [await whole.model.readState(), await parts.model.readState()];
  for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(a[name]!, b[name]!), name);
  whole.release();
  parts.release();
});

test('a submission has the steps asked for, but no more than an epoch', async () => {
  for (const [stepsPerSubmission, lengths] of [
    [1, Array.from({ length: 50 }, () => 1)],
    [20, [20, 20, 10]],
    [70, [50]],
  ] as const) {
    const { trainer, release } = await setUp({ options: { stepsPerSubmission } });
    const made: number[] = [];
    await trainer.fit(constant({ totalSteps: 50, lr: 0.01 }), { onSteps: (_, losses) => made.push(losses.length) });
    assert.equal(made, [...lengths]);
    release();
  }
});

test('more steps per submission than its buffers have room for are refused, and nothing stays allocated', async () => {
  const { allocated } = gpu;
  const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors: 4, hasBias: true };
  const tables = new EmbeddingTables(gpu, shape, { nCopies: 2, nState: 2 });
  const order = () => new Uint32Array(data.nTrain);
  for (const [factory, most] of [
    [
      FACTORIES.lazy,
      /^stepsPerSubmission must be at most \d{5,} here, not 1000000000: the buffers of a submission have room for no more\.$/,
    ],
    [{ ...FACTORIES.lazy, maxSteps: 3 }, /at most 3 here, not 1000000000: .*\.$/],
  ] as const) {
    const options = stepOptions({ batchSize: data.batchSize, stepsPerSubmission: 1e9 });
    assert.match((await refusal(() => Trainer.create(tables, data, options, order, factory), RangeError)).message, most);
  }
  tables.release();
  assert.is(gpu.allocated, allocated);
});

test('a signal stops a fit before its next submission', async () => {
  const { trainer, release } = await setUp();
  const stop = new AbortController();
  const done = await trainer.fit(constant({ totalSteps: 200, lr: 0.01 }), { signal: stop.signal, onSteps: () => stop.abort() });
  assert.is(done, 50);
  assert.is(await trainer.fit(constant({ totalSteps: 50, lr: 0.01 }), { signal: stop.signal }), 0);
  assert.is(trainer.stepCount, 50);
  release();
});

/** Lazy steps, some of whose methods are others. */
const lazyBut = (changed: (stepper: Stepper) => Partial<Stepper>): StepperFactory => ({
  ...FACTORIES.lazy,
  create: async (input) => {
    const stepper = await FACTORIES.lazy.create(input);
    return { ...stepper, ...changed(stepper) };
  },
});

test('a fit that is stopped while its first batches are prepared submits nothing, and one stopped later prepares no more', async () => {
  for (const [stopAt, submitted] of [
    [0, 0],
    [1, 0],
    [2, 1],
  ] as const) {
    const stop = new AbortController();
    if (stopAt === 0) stop.abort();
    let prepared = 0;
    let ran = 0;
    const factory = lazyBut(({ prepare, run }) => ({
      prepare: async (coming) => {
        await prepare!(coming);
        if (++prepared === stopAt) stop.abort();
      },
      run: (...args) => {
        ran++;
        return run(...args);
      },
    }));
    const { trainer, release } = await setUp({ options: { stepsPerSubmission: 10 }, factory });
    assert.is(await trainer.fit(constant({ totalSteps: 100, lr: 0.01 }), { signal: stop.signal }), 10 * submitted);
    assert.equal([prepared, ran], [stopAt, submitted]);
    release();
  }
  const stop = new AbortController();
  let prepared = 0;
  const factory = lazyBut(({ run }) => ({
    prepare: () => void prepared++,
    run: async (...args) => {
      await run(...args);
      stop.abort();
    },
  }));
  const { trainer, release } = await setUp({ options: { stepsPerSubmission: 10 }, factory });
  await trainer.fit(constant({ totalSteps: 100, lr: 0.01 }), { signal: stop.signal });
  assert.is(prepared, 1);
  release();
});

test('two submissions are on the device at one time, but only one where they take long; a hook stops both at the same step', async () => {
  const { now } = performance;
  const dones: number[] = [];
  for (const [msPerCall, most] of [
    [100, 2],
    [101, 1],
  ] as const) {
    let inFlight = 0;
    let seen = 0;
    const factory = lazyBut(({ run, readLosses }) => ({
      run: (...args) => {
        seen = Math.max(seen, ++inFlight);
        return run(...args);
      },
      readLosses: async () => {
        const losses = await readLosses();
        await new Promise((done) => setTimeout(done, 100)); // longer than the host needs to submit
        inFlight--;
        return losses;
      },
    }));
    const { trainer, release } = await setUp({ options: { stepsPerSubmission: 5 }, factory });
    const stop = new AbortController();
    const onSteps = (step: number) => step === 15 && stop.abort();
    let time = 0;
    performance.now = () => (time += msPerCall);
    try {
      dones.push(await trainer.fit(constant({ totalSteps: 50, lr: 0.01 }), { onSteps, signal: stop.signal }));
    } finally {
      performance.now = now;
    }
    assert.is(seen, most);
    release();
  }
  assert.equal(dones, [25, 25]);
});

test('the losses of all steps that were made are told, even where the next could not be; but not after a hook has thrown', async () => {
  for (const [badRun, badHook, expected, told] of [
    [3, Infinity, 'No run.', [0, 5, 10]],
    [Infinity, 5, 'No hook.', [0, 5]],
    [3, 10, 'No run.', [0, 5, 10]],
  ] as const) {
    let runs = 0;
    const factory = lazyBut(({ run }) => ({
      run: async (...args) => (runs++ === badRun ? Promise.reject(new Error('No run.')) : run(...args)),
    }));
    const { trainer, release } = await setUp({ options: { stepsPerSubmission: 5 }, factory });
    const steps: number[] = [];
    const onSteps = (step: number) => {
      steps.push(step);
      if (step === badHook) throw new Error('No hook.');
    };
    const { message } = await refusal(() => trainer.fit(constant({ totalSteps: 50, lr: 0.01 }), { onSteps }), Error);
    assert.is(message, expected);
    assert.equal(steps, [...told]);
    release();
  }
});

test('losses that do not come back while the next part is still to be submitted end the fit, and nothing else', async () => {
  const unhandled: unknown[] = [];
  const listen = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', listen);
  const learn = await makeLearner(
    {
      strata: 4,
      parts: 4,
      stepper: lazyBut(({ run }) => ({
        run: async (...args) => {
          await new Promise((done) => setTimeout(done, 5));
          await run(...args);
        },
        readLosses: () => Promise.reject(new Error('No losses.')),
      })),
    },
    smallData({ batchSize: 4 }),
  );
  assert.is((await refusal(() => learn.fit(1, 0.01), Error)).message, 'No losses.');
  learn.release();
  await new Promise((done) => setTimeout(done, 5));
  process.off('unhandledRejection', listen);
  assert.equal(unhandled, []);
});

test('a loss that is not finite stops the fit, or not', async () => {
  const options = { range: identity };
  const one = await setUp({ options });
  const error = (await refusal(() => one.trainer.fit(constant({ totalSteps: 50, lr: 1e25 })), DivergedError)) as DivergedError;
  assert.ok(error.step > 0 && error.step < 10);
  const two = await setUp({ options });
  const losses: number[] = [];
  const hooks = { stopOnNaN: false, onSteps: (_: number, some: Float32Array) => void losses.push(...some) };
  assert.is(await two.trainer.fit(constant({ totalSteps: 50, lr: 1e25 }), hooks), 50);
  assert.is(
    losses.findIndex((loss) => !Number.isFinite(loss)),
    error.step,
  );
  for (const { release } of [one, two]) release();
});

test.run();
