import { suite } from 'uvu';
import * as assert from 'uvu/assert';
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

test('wrong options of lrFind are refused', async () => {
  const learn = await makeLearner();
  await assertRefused(() => learn.lrFind({ numIt: 6 }), /numIt must be a whole number from 7 to 1000000, not 6/);
  await assertRefused(() => learn.lrFind({ startLr: 1, endLr: 0.1 }), /endLr \(0\.1\) must be greater than startLr \(1\)/);
  await assertRefused(() => learn.lrFind({ num_it: 10 } as never), /lrFind has no option 'num_it'; did you mean numIt\?/, TypeError);
  await learn.fit(1, 0.01); // and leave the learner free
  learn.release();
});

test.run();
