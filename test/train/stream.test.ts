import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceLostError, DivergedError, DotbiasError } from '../../src/base/errors.js';
import { CollabData } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';
import { Gpu } from '../../src/gpu/gpu.js';
import type { EpochRecord } from '../../src/train/fit.js';
import type { CollabLearner } from '../../src/train/learner.js';
import type { TrainEvent } from '../../src/train/stream.js';
import { testAdapter } from '../helpers/device.js';
import { assertRefused } from '../helpers/refusal.js';
import { makeLearner, outcomeOf, run } from '../helpers/short-run.js';
import { sameBits } from '../helpers/training.js';

const test = suite('stream');
/** Several submissions an epoch. */
const large = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 250, nRatings: 6000 }).columns, { batchSize: 64 });
const several = { stepsPerSubmission: 30 };

/** Lets everything that waits for nothing but the event loop happen. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

test('the events are the steps and epochs of fitOneCycle, in order, and the model has the same bits', async () => {
  const learn = await makeLearner(several, large);
  const { stepsPerEpoch } = learn.trainer;
  const records: EpochRecord[] = [];
  const losses: number[] = [];
  const lrs: number[] = [];
  for await (const event of learn.stream(3, 0.01, { pctStart: 0.4 })) {
    if (event.type === 'epoch') {
      records.push(event.record);
      assert.is(losses.length, records.length * stepsPerEpoch, 'all steps of an epoch come before its record');
      continue;
    }
    const { firstStep, step, totalSteps, epoch, trainLoss, smoothLosses } = event;
    assert.is(firstStep, losses.length);
    assert.is(step, firstStep + event.losses.length);
    assert.is(totalSteps, 3 * stepsPerEpoch);
    assert.is(epoch, records.length);
    assert.is(trainLoss, smoothLosses.at(-1));
    assert.equal([event.lrs.length, smoothLosses.length], [event.losses.length, event.losses.length]);
    losses.push(...event.losses);
    lrs.push(...event.lrs);
  }
  const { history } = learn;
  assert.equal([records, losses, lrs], [history.epochs, history.losses, history.lrs]);
  assert.ok(sameBits(await outcomeOf(learn), await run(several, (other) => other.fitOneCycle(3, 0.01, { pctStart: 0.4 }), large)));
});

test('after the last event comes what fitOneCycle returns; hooks, callbacks and signal of the options work too', async () => {
  const learn = await makeLearner(several, large);
  const told: string[] = [];
  const events = learn.stream(3, 0.01, {
    onProgress: ({ losses }) => {
      structuredClone(losses, { transfer: [losses.buffer] }); // the event's are others
      told.push('progress');
    },
    onEpoch: ({ epoch }) => epoch === 1,
    callbacks: [{ onEnd: () => void told.push('end') }],
  });
  let steps = 0;
  for (;;) {
    const { value, done } = await events.next();
    if (done) {
      assert.equal(value, learn.history.epochs);
      break;
    }
    if (value.type === 'steps') steps += value.losses.length;
  }
  assert.is(learn.history.epochs.length, 2, 'onEpoch has ended it');
  assert.is(steps, 2 * learn.trainer.stepsPerEpoch);
  assert.is(told.at(-1), 'end');
  assert.ok(told.length > 4);
  learn.release();
});

test('to break at an epoch ends the fit there, and the learner is free at once', async () => {
  const learn = await makeLearner(several, large);
  for await (const event of learn.stream(4, 0.01)) if (event.type === 'epoch' && event.record.epoch === 1) break;
  assert.equal([learn.trainer.epochCount, learn.trainer.stepCount], [2, 2 * learn.trainer.stepsPerEpoch]);
  const stopped = await outcomeOf(learn);
  const same = await run(several, (other) => other.fitOneCycle(4, 0.01, { onEpoch: ({ epoch }) => epoch === 1 }), large);
  assert.ok(sameBits(stopped, same));
});

test('to break or throw amid an epoch aborts, with a consistent model and complete records', async () => {
  const learn = await makeLearner(several, large);
  const mine = new Error('Mine.');
  for (const leave of ['break', 'throw']) {
    const before = learn.history.losses.length;
    const { stepCount } = learn.trainer;
    try {
      for await (const event of learn.stream(4, 0.01)) {
        assert.is(event.type, 'steps');
        if (leave === 'throw') throw mine;
        break;
      }
    } catch (error) {
      assert.is(error, mine);
    }
    const made = learn.trainer.stepCount - stepCount;
    assert.ok(made > 0 && made < 4 * learn.trainer.stepsPerEpoch, `${made} steps`);
    assert.is(learn.history.losses.length, before + made);
    assert.ok(Number.isFinite((await learn.validate()).mse));
  }
  assert.is((await learn.fit(1, 0.01)).length, 1);
  learn.release();
});

test('a signal ends the loop after the events of the steps that were made', async () => {
  const learn = await makeLearner(several, large);
  const stop = new AbortController();
  let losses = 0;
  for await (const event of learn.stream(4, 0.01, { signal: stop.signal })) {
    if (event.type === 'steps') losses += event.losses.length;
    if (event.type === 'epoch') stop.abort();
  }
  assert.is(losses, learn.trainer.stepCount);
  assert.is(losses, learn.trainer.stepsPerEpoch);
  for await (const event of learn.stream(4, 0.01, { signal: stop.signal })) assert.unreachable(event.type);
  learn.release();
});

test('training waits at the end of an epoch for a slow loop, which finds the model of that moment', async () => {
  const learn = await makeLearner(several, large);
  const { stepsPerEpoch } = learn.trainer;
  let epochs = 0;
  for await (const event of learn.stream(3, 0.01)) {
    await settle();
    assert.ok(learn.trainer.stepCount <= (epochs + 1) * stepsPerEpoch, 'at most an epoch ahead');
    if (event.type === 'epoch') {
      epochs++;
      assert.is(learn.trainer.stepCount, epochs * stepsPerEpoch);
      assert.equal(await learn.validate(), event.record.valid);
    }
  }
  assert.is(epochs, 3);
  learn.release();
});

test('nothing begins before the first event is asked for; while a stream is under way the learner is taken', async () => {
  const learn = await makeLearner(several, large);
  const unused = learn.stream(1, 0.01);
  await settle();
  assert.is(learn.trainer.stepCount, 0);
  await unused.return([]);
  const events = learn.stream(2, 0.01);
  await events.next();
  await assertRefused(() => learn.fit(1), /^fit cannot begin while fitOneCycle of the same learner is under way/, DotbiasError);
  await assertRefused(() => learn.stream(1).next(), /^fitOneCycle cannot begin while fitOneCycle/, DotbiasError);
  await events.return([]);
  learn.release();
});

/** The events of a stream until it throws, and the error. */
async function untilError(learn: CollabLearner, stream: AsyncIterable<TrainEvent>, onEvent?: () => void) {
  const events: TrainEvent[] = [];
  try {
    for await (const event of stream) {
      events.push(event);
      onEvent?.();
    }
  } catch (error) {
    assert.is(
      learn.history.losses.length,
      events.reduce((sum, event) => sum + (event.type === 'steps' ? event.losses.length : 0), 0),
    );
    return { events, error };
  }
  throw new Error('The stream has thrown nothing.');
}

test('an error in training is thrown by the loop, after the events before it', async () => {
  const learn = await makeLearner({ yRange: null, ...several }, large);
  const { events, error } = await untilError(learn, learn.stream(2, 1e20));
  assert.instance(error, DivergedError);
  assert.is(events.at(-1)!.type, 'steps');
  await assertRefused(() => learn.stream(0).next(), /^epochs must be/);
  await assertRefused(() => learn.stream(1, 0.01, { onStep: 1 } as never).next(), /fitOneCycle has no option 'onStep'/, TypeError);
  learn.release();
});

test('a device lost amid a stream is said to be lost', async () => {
  const gpu = await Gpu.open(await testAdapter());
  const learn = await makeLearner({ gpu, ...several }, large);
  const { error } = await untilError(learn, learn.stream(5, 0.01), () => gpu.device.destroy());
  assert.instance(error, DeviceLostError);
  learn.release();
});

test.run();
