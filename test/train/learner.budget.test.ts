// Every feature under a memory budget that gives out at each of its allocations in turn: nothing stays allocated.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mse } from '../../shaders/ops/loss.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { CollabModel } from '../../src/answer/collab-model.js';
import { encodeModel, loadModel } from '../../src/files/model-file.js';
import type { Gpu } from '../../src/gpu/gpu.js';
import { checkOp } from '../../src/train/check-op.js';
import { decodeCheckpoint } from '../../src/train/checkpoint.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { collabLearner } from '../../src/train/make-learner.js';
import type { LearnerOptions } from '../../src/train/options.js';
import { refuseEachAllocation } from '../helpers/budget.js';
import { smallData } from '../helpers/data.js';
import { dynamicUniformGpu, sharedGpu } from '../helpers/gpu.js';
import { negativeSquaredDistance } from '../helpers/ops.js';
import { STEPPERS } from '../helpers/training.js';

const test = suite('memory budget');
const data = smallData();
const users = data.users.ids.slice(1, 9);
const items = data.items.ids.slice(1, 9);
const given = items.map((item, k) => [item, 1 + (k % 5)] as const);

for (const [name, open] of [
  ['the usual device', sharedGpu],
  ['a device whose immediates come from a dynamic uniform', dynamicUniformGpu],
] as const) {
  const gpu = await open();
  const make = (options: LearnerOptions = {}) => collabLearner(data, { gpu, nFactors: 8, yRange: [0, 5.5], ...options });
  const learn = await make();
  const file = await encodeModel(learn);
  learn.release();
  const isFirst = gpu === (await sharedGpu());

  for (const stepper of STEPPERS) {
    test(`making a ${stepper} learner, on ${name}`, async () => {
      const refused = await refuseEachAllocation(gpu, async () => (await make({ stepper })).release());
      assert.ok(refused.length >= (gpu.immediateMode === 'immediate' ? 10 : 11), refused.join(', '));
      const own = stepper === 'lazy' || stepper === 'persistent' ? ['entries', 'losses'] : ['ratings', 'outcomes'];
      for (const label of ['param', 'm', 'v', 'touches', 'members', ...own, 'loss sums', 'validation sums'])
        assert.ok(refused.includes(label), label);
      assert.is(refused.includes('immediates'), gpu.immediateMode !== 'immediate');
    });
  }

  /** What a learner does, and one buffer at least that this allocates. */
  const features: Record<string, [label: string, (learn: CollabLearner, gpu: Gpu) => Promise<unknown>]> = {
    fitOneCycle: ['readback', (learn) => learn.fitOneCycle(1, 0.01)],
    'a fit that saves checkpoints': ['readback', (learn) => learn.fit(2, 0.01, { checkpoint: () => undefined })],
    lrFind: ['readback', (learn) => learn.lrFind({ numIt: 10, endLr: 0.1 })],
    validate: ['readback', (learn) => learn.validate()],
    showResults: ['yHat', (learn) => learn.showResults(3)],
    predict: ['pairs', (learn) => learn.predict(users, items)],
    recommend: ['top scores', (learn) => learn.recommend(users[0], 5)],
    recommendAll: ['top items', (learn) => learn.recommendAll(5)],
    'foldIn, predict and recommend': [
      'folded user',
      async (learn) => {
        const user = await learn.foldIn(given);
        await user.predict(items);
        await user.recommend(5);
        await user.because(items[0]);
      },
    ],
    'foldInAll and recommend': ['folded users', async (learn) => (await learn.foldInAll([given, given.slice(1)])).recommend(5)],
    similarItems: ['readback', (learn) => learn.similarItems(items[0], 5)],
    similarUsers: ['readback', (learn) => learn.similarUsers(users[0], 5)],
    vectors: ['rows', (learn) => learn.vectors(items)],
    biases: ['rows', (learn) => learn.biases(users, { isItem: false })],
    itemBias: ['readback', (learn) => learn.itemBias()],
    save: ['readback', (learn) => encodeModel(learn)],
    'load and predict': [
      'param',
      async (_, gpu) => {
        const model = await loadModel(file, { gpu });
        try {
          await model.predict(users, items);
        } finally {
          model.release();
        }
      },
    ],
    'checkOp of a loss': ['outputs', (_, gpu) => checkOp(gpu, mse)],
    'checkOp of a score': ['outputs', (_, gpu) => checkOp(gpu, negativeSquaredDistance)],
    'checkOp of an optimiser': ['idles', (_, gpu) => checkOp(gpu, sgd())],
  };

  for (const stepper of isFirst ? STEPPERS : (['dense', 'lazy'] as const)) {
    for (const [feature, [label, work]] of Object.entries(features)) {
      if (stepper !== 'lazy' && !/fit|lrFind/.test(feature)) continue;
      test(`${feature} of a ${stepper} learner, on ${name}`, async () => {
        const learn = await make({ stepper });
        const refused = await refuseEachAllocation(gpu, () => work(learn, gpu));
        assert.ok(refused.includes(label), refused.join(', '));
        assert.ok((await learn.predict(users, items)).every(Number.isFinite), 'the learner can be used on');
        await learn.fit(1, 0.01);
        learn.release();
      });
    }
  }

  test(`a learner that resumes a fit, on ${name}`, async () => {
    const saved: Uint8Array[] = [];
    const first = await make();
    await first.fit(2, 0.01, { checkpoint: (bytes) => void saved.push(bytes) });
    first.release();
    const resume = decodeCheckpoint(saved[0]);
    await refuseEachAllocation(gpu, async () => {
      const learn = await make();
      try {
        await learn.fit(2, 0.01, { resume });
      } finally {
        learn.release();
      }
    });
  });

  test(`stepper 'auto' that measures, on ${name}`, async () => {
    const calibrations = { get: async () => undefined, set: async () => undefined };
    const refused = await refuseEachAllocation(gpu, async () => (await make({ stepper: 'auto', calibrations })).release());
    assert.ok(refused.length > 40, String(refused.length));
  });
}

test('a model whose memory is given back twice is counted once', async () => {
  const gpu = await sharedGpu();
  const before = gpu.allocated;
  const learn = await collabLearner(data, { gpu, nFactors: 8 });
  const model = await loadModel(await encodeModel(learn), { gpu });
  assert.instance(model, CollabModel);
  for (const each of [learn, model, learn, model]) each.release();
  assert.is(gpu.allocated, before);
});

test.run();
