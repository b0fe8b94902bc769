import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DivergedError } from '../../src/base/errors.js';
import { CollabData } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';
import type { StepperName } from '../../src/steps/stepper.js';
import { keepBest } from '../../src/train/callbacks.js';
import type { Callback } from '../../src/train/fit.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { sharedGpu } from '../helpers/gpu.js';
import { assertRefused } from '../helpers/refusal.js';
import { makeLearner } from '../helpers/short-run.js';
import { assertClose } from '../helpers/training.js';

const test = suite('run fit');

function fails(what: string): never {
  throw new Error(what);
}

/** A callback that notes its calls; the hooks named in `throws` throw. */
function logger(calls: string[], name: string, throws: string[] = []): Callback {
  const note = (hook: string) => {
    calls.push(`${name} ${hook}`);
    if (throws.includes(hook)) fails(`${name} ${hook}.`);
  };
  return { onBegin: () => note('begin'), onEpoch: () => note('epoch'), onEnd: () => note('end') };
}

test('onStep is told every step of the fit in order, with its rate and loss', async () => {
  const learn = await makeLearner();
  const steps: number[][] = [];
  await learn.fitOneCycle(2, 0.01, {
    callbacks: [{ onStep: ({ step, lr, beta1, loss, smoothLoss }) => void steps.push([step, lr, beta1, loss, smoothLoss]) }],
  });
  const { losses, lrs, beta1s, smoothLosses } = learn.history;
  assert.is(losses.length, 2 * learn.trainer.stepsPerEpoch);
  assert.equal(
    steps,
    losses.map((loss, k) => [k, lrs[k], beta1s[k], loss, smoothLosses[k]]),
  );
  learn.release();
});

test('callbacks begin and are told of epochs in order, and end in reverse', async () => {
  const learn = await makeLearner();
  const calls: string[] = [];
  await learn.fit(1, 0.01, { callbacks: [logger(calls, 'a'), logger(calls, 'b')] });
  assert.equal(calls, ['a begin', 'b begin', 'a epoch', 'b epoch', 'b end', 'a end']);
  learn.release();
});

const failures: [what: string, a: string[], b: string[], error: string, calls: string][] = [
  ['fails in an epoch: all end', [], ['epoch'], 'b epoch', 'a begin, b begin, a epoch, b epoch, b end, a end'],
  ['fails to begin: only those before it end', [], ['begin'], 'b begin', 'a begin, b begin, a end'],
  ['fails to begin as the first: none ends', ['begin'], [], 'a begin', 'a begin'],
  ['fails to end: the others end all the same', [], ['end'], 'b end', 'a begin, b begin, a epoch, b epoch, b end, a end'],
  ['fails to end as another does: the first error counts', ['end'], ['end'], 'b end', 'a begin, b begin, a epoch, b epoch, b end, a end'],
  [
    'fails in an epoch and to end: the first error counts',
    ['end'],
    ['epoch'],
    'b epoch',
    'a begin, b begin, a epoch, b epoch, b end, a end',
  ],
];
for (const [what, a, b, error, expected] of failures) {
  test(`a callback ${what}`, async () => {
    const learn = await makeLearner();
    const calls: string[] = [];
    await assertRefused(
      () => learn.fit(1, 0.01, { callbacks: [logger(calls, 'a', a), logger(calls, 'b', b)] }),
      new RegExp(`^${error}\\.$`),
      Error,
    );
    assert.is(calls.join(', '), expected);
    assert.is((await learn.fit(1, 0.01)).length, 1, 'and the learner trains on');
    learn.release();
  });
}

test('a fit that diverges says so, even if a callback fails to end', async () => {
  const learn = await makeLearner({ yRange: null });
  await assertRefused(() => learn.fit(1, 1e20, { callbacks: [logger([], 'a', ['end'])] }), /Training diverged/, DivergedError);
  learn.release();
});

test('two callbacks of one name, and a state without a name, are refused before the fit begins', async () => {
  const learn = await makeLearner();
  const calls: string[] = [];
  const callbacks = [logger(calls, 'a'), keepBest(), keepBest()];
  await assertRefused(
    () => learn.fit(1, 0.01, { callbacks }),
    /^Two callbacks .* have the name 'keepBest\(validLoss\)'; give each its own\.$/,
    TypeError,
  );
  const nameless: Callback = { saveState: () => ({}) };
  await assertRefused(() => learn.fit(1, 0.01, { callbacks: [nameless] }), /^A callback with saveState needs a name/, TypeError);
  await learn.fit(1, 0.01, { callbacks: [logger(calls, 'a'), logger(calls, 'a')] }); // without a name there may be many
  assert.is(calls.length, 6);
  learn.release();
});

test('a callback that stops the fit at a step is not overruled by onEpoch', async () => {
  const learn = await makeLearner();
  const stop: Callback = { onStep: (_, fit) => void (fit.stopped = true) };
  assert.is((await learn.fit(3, 0.01, { callbacks: [stop], onEpoch: () => undefined })).length, 1);
  learn.release();
});

test('a fit whose stepper fails waits for what is on the device before it ends', async () => {
  const learn = await makeLearner();
  const { stepper } = learn.trainer;
  const { run } = stepper;
  let told = 0;
  const steps: Callback = { onStep: () => void told++ };
  stepper.run = (batches, step) => {
    if (step > 0) throw new Error('As a test.');
    return run(batches, step);
  };
  await assertRefused(() => learn.fit(3, 0.01, { callbacks: [steps] }), /^As a test\.$/, Error);
  const atEnd = told;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(atEnd > 0);
  assert.is(told, atEnd);
  stepper.run = run;
  learn.release();
});

test('an abort within an epoch leaves a consistent model, complete records and a learner that trains on', async () => {
  const gpu = await sharedGpu();
  const large = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 250, nRatings: 12000 }).columns, { batchSize: 64 });
  const make = (stepper: StepperName) => collabLearner(large, { nFactors: 400, yRange: [0, 5.5], gpu, stepper, stepsPerSubmission: 70 });
  const learn = await make('lazy');
  assert.ok(learn.trainer.maxSteps < learn.trainer.stepsPerEpoch, 'several submissions an epoch');
  const stopStep = learn.trainer.stepsPerEpoch + 1;
  const abortedFit = (each: typeof learn) => {
    const control = new AbortController();
    const onProgress = ({ step }: { step: number }) => {
      if (step >= stopStep) control.abort();
    };
    return each.fit(5, 0.01, { signal: control.signal, onProgress });
  };
  const records = await abortedFit(learn);
  const { stepCount, epochCount, stepsPerEpoch } = learn.trainer;
  assert.ok(stepCount > stepsPerEpoch && stepCount < 2 * stepsPerEpoch, `${stepCount} steps`);
  assert.is(records.length, 1);
  assert.is(epochCount, 1);
  assert.is(learn.history.losses.length, stepCount);
  // Dense steps leave no row behind at any time.
  const dense = await make('dense');
  await abortedFit(dense);
  assert.is(dense.trainer.stepCount, stepCount);
  assertClose([(await learn.validate()).mse], [(await dense.validate()).mse], 6e-6, 'valid mse');
  assert.is((await learn.fit(1, 0.01)).length, 1);
  assert.is((await learn.fit(1, 0.01, { signal: AbortSignal.abort() })).length, 0, 'aborted before it began');
  learn.release();
  dense.release();
});

test.run();
