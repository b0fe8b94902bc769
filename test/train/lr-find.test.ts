import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SweepWatch } from '../../src/schedule/lr-finder.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { assertRefused } from '../helpers/refusal.js';
import { makeLearner, run } from '../helpers/short-run.js';
import { sameBits, STEPPERS } from '../helpers/training.js';

const test = suite('lrFind');

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
        for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(before[name]!, after[name]!), name);
      }
      await learn.fitOneCycle(1, 0.01);
    };
    assert.ok(sameBits(await run({ stepper }, (learn) => around(learn, true)), await run({ stepper }, (learn) => around(learn, false))));
  });
}

test('options of lrFind change its rates', async () => {
  const learn = await makeLearner();
  const { lrs } = await learn.lrFind({ startLr: 1e-5, endLr: 0.1, numIt: 20 });
  assert.is(lrs[0], 1e-5);
  assert.is(lrs.length, 20);
  const far = { startLr: 1e-3, endLr: 1e5, numIt: 60 };
  const stopped = await makeLearner({ yRange: null });
  assert.is((await stopped.lrFind(far)).stopped, 'diverged');
  assert.is((await stopped.lrFind({ ...far, stopDiv: false })).lrs.length, 60);
  for (const each of [learn, stopped]) each.release();
});

test('lrFind adds nothing to the history', async () => {
  const learn = await makeLearner();
  await learn.lrFind({ numIt: 10 });
  assert.equal(learn.history, { losses: [], smoothLosses: [], lrs: [], beta1s: [], epochs: [] });
  assert.equal([learn.trainer.stepCount, learn.trainer.epochCount], [0, 0]);
  learn.release();
});

test('progress, joined, is the result: up to the step at which the loss explodes', async () => {
  const sweep = { startLr: 1e-3, endLr: 1e5, numIt: 60 };
  for (const stopDiv of [true, false]) {
    const learn = await makeLearner({ yRange: null, stepsPerSubmission: 7 });
    const [lrs, losses, smoothLosses]: number[][] = [[], [], []];
    const found = await learn.lrFind({
      ...sweep,
      stopDiv,
      onProgress: (progress) => {
        assert.equal([progress.firstStep, progress.totalSteps], [lrs.length, 60]);
        lrs.push(...progress.lrs);
        losses.push(...progress.losses);
        smoothLosses.push(...progress.smoothLosses);
        assert.equal([lrs.length, losses.length], [progress.step, progress.step]);
      },
    });
    assert.is(found.stopped, stopDiv ? 'diverged' : 'finished');
    assert.equal([lrs, smoothLosses], [[...found.lrs], [...found.losses]]);
    const watch = new SweepWatch(stopDiv);
    assert.equal([...watch.push(losses)], smoothLosses);
    learn.release();
  }
});

for (const stepper of STEPPERS) {
  test(`${stepper}: an abort throws the reason, and leaves model, optimiser and position as they were`, async () => {
    const around = async (learn: CollabLearner, find: boolean) => {
      await learn.fitOneCycle(1, 0.01);
      if (find) {
        const before = await learn.embeddings.readState();
        const stop = new AbortController();
        const seen: number[] = [];
        const onProgress = ({ step }: { step: number }) => {
          seen.push(step);
          if (step >= 20) stop.abort(new Error('Enough.'));
        };
        await assertRefused(() => learn.lrFind({ numIt: 70, signal: stop.signal, onProgress }), /^Enough\.$/, Error);
        assert.ok(seen.at(-1)! < 70, String(seen));
        await assertRefused(() => learn.lrFind({ signal: stop.signal }), /^Enough\.$/, Error);
        const after = await learn.embeddings.readState();
        for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(before[name]!, after[name]!), name);
      }
      await learn.fitOneCycle(1, 0.01);
    };
    const options = { stepper, stepsPerSubmission: 10 };
    assert.ok(sameBits(await run(options, (learn) => around(learn, true)), await run(options, (learn) => around(learn, false))));
  });
}

test('an abort after the last step comes too late to matter', async () => {
  const learn = await makeLearner();
  const stop = new AbortController();
  const onProgress = ({ step }: { step: number }) => step === 30 && stop.abort();
  assert.is((await learn.lrFind({ numIt: 30, endLr: 0.1, signal: stop.signal, onProgress })).lrs.length, 30);
  learn.release();
});

test('wrong options of lrFind are refused', async () => {
  const learn = await makeLearner();
  await assertRefused(() => learn.lrFind({ numIt: 6 }), /numIt must be a whole number from 7 to 1000000, not 6/);
  await assertRefused(() => learn.lrFind({ startLr: 1, endLr: 0.1 }), /endLr \(0\.1\) must be greater than startLr \(1\)/);
  await assertRefused(() => learn.lrFind({ num_it: 10 } as never), /lrFind has no option 'num_it'; did you mean numIt\?/, TypeError);
  await learn.fit(1, 0.01); // and leave the learner free
  learn.release();
});

test.run();
