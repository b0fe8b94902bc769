/** Divergence under a range, which makes an ordinary prediction of any score, and of parameters that no rating reads. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DivergedError } from '../../src/base/errors.js';
import { keepBest } from '../../src/train/callbacks.js';
import type { Callback } from '../../src/train/fit.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { smallData } from '../helpers/data.js';
import { onRing } from '../helpers/local-ring.js';
import { refusal } from '../helpers/refusal.js';
import { data, makeLearner } from '../helpers/short-run.js';
import { sameBits, STEPPERS } from '../helpers/training.js';

const test = suite('divergence');

/** Spoils one number of the parameters, or of the optimiser's state, after the epochs that `when` names. */
const spoil = (
  at: number,
  value: number,
  array: 'param' | 'v' = 'param',
  when: (epoch: number) => boolean = (epoch) => epoch === 0,
): Callback => ({
  onEpoch: ({ epoch }, { learner: { embeddings } }) => {
    const buffer = array === 'param' ? embeddings.parts[0].param : embeddings.parts[0].state[array]!;
    if (when(epoch)) embeddings.gpu.write(buffer, Float32Array.of(value), 4 * at);
  },
});

const diverges = async (work: () => unknown) => (await refusal(work, DivergedError)) as DivergedError;

/** The bias of a user whom training reads, in the packed table. */
const biasOfUser = ({ embeddings: { layout } }: CollabLearner) => data.train.users[0] * layout.rowStride + layout.biasColumn;

for (const stepper of STEPPERS) {
  test(`${stepper}: a rate that is far too high ends the fit at the step that shows it, and no epoch is told`, async () => {
    const learn = await makeLearner({ stepper });
    const saved: Uint8Array[] = [];
    const error = await diverges(() => learn.fit(3, 1e25, { checkpoint: (bytes) => void saved.push(bytes) }));
    assert.ok(error.step > 0 && error.step < 10, error.message);
    assert.is(error.lr, 1e25);
    assert.match(error.message, /^Training diverged: the loss is not finite at step \d \(lr 1e\+25\)\. Use a lower learning rate/);
    assert.equal([learn.history.epochs.length, saved.length], [0, 0]);
    assert.ok(Object.values(await learn.validate()).every(Number.isNaN), 'a lost model has no errors to speak of');
    learn.release();
  });

  test(`${stepper}: one number that is not finite is found at the first step that reads it`, async () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const learn = await makeLearner({ stepper, order: () => Uint32Array.from({ length: data.nTrain }, (_, k) => k) });
      const { stepsPerEpoch } = learn.trainer;
      const error = await diverges(() => learn.fit(3, 0.01, { callbacks: [spoil(biasOfUser(learn), value)] }));
      assert.equal([error.step, learn.history.epochs.length], [stepsPerEpoch, 1], String(value));
      learn.release();
    }
  });

  test(`${stepper}: lrFind stops where a score is not finite, suggests finite rates, and restores the model bit for bit`, async () => {
    const learn = await makeLearner({ stepper });
    await learn.fit(1, 0.01);
    const before = await learn.embeddings.readState();
    const found = await learn.lrFind({ startLr: 1e-4, endLr: 1e30, numIt: 45, stopDiv: false });
    const first = found.losses.findIndex((loss) => !Number.isFinite(loss));
    assert.ok(first > 5, String(first));
    const rates = [found.valley, found.steep, found.slide, found.minimum, found.minGradient];
    assert.ok(
      rates.every((rate) => rate > 0 && rate <= found.lrs[first]),
      rates.join(' '),
    );
    const stopped = await learn.lrFind({ startLr: 1e-4, endLr: 1e30, numIt: 45 });
    assert.is(stopped.stopped, 'diverged');
    assert.ok(stopped.losses.length <= first + 1);
    const after = await learn.embeddings.readState();
    for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(before[name]!, after[name]!), name);
    learn.release();
  });
}

for (const [what, of] of [
  ['with', data],
  ['without', smallData({ validPct: 0 })],
] as const) {
  test(`a parameter or a state that no rating reads is found at the end of the epoch, ${what} validation ratings`, async () => {
    for (const array of ['param', 'v'] as const) {
      const learn = await makeLearner({}, of);
      const { stepsPerEpoch } = learn.trainer;
      const told: number[] = [];
      const saved: Uint8Array[] = [];
      const watch: Callback = { onEpoch: ({ epoch }) => void told.push(epoch) };
      const options = { callbacks: [spoil(0, NaN, array), watch], checkpoint: (bytes: Uint8Array) => void saved.push(bytes) };
      const error = await diverges(() => learn.fit(3, 0.01, options));
      assert.is(error.step, 2 * stepsPerEpoch - 1);
      assert.match(error.message, /a parameter or a score is not finite after step \d+ \(lr 0\.01\)/);
      assert.equal([told, learn.history.epochs.length, saved.length], [[0], 1, 1]);
      if (of.nValid > 0) assert.ok(Object.values(await learn.validate()).every(Number.isNaN));
      learn.release();
    }
  });
}

test('an aborted fit does not leave a spoilt model in silence', async () => {
  const learn = await makeLearner({ stepsPerSubmission: 4 }, smallData({ validPct: 0, batchSize: 8 }));
  const { maxSteps, stepsPerEpoch } = learn.trainer;
  const stop = new AbortController();
  learn.embeddings.gpu.write(learn.embeddings.parts[0].param, Float32Array.of(NaN));
  const error = await diverges(() => learn.fit(1, 0.001, { signal: stop.signal, onProgress: () => stop.abort() }));
  assert.is((error.step + 1) % maxSteps, 0, `${error.step} of ${maxSteps}`);
  assert.ok(error.step < stepsPerEpoch - 1);
  learn.release();
});

test('ranks that are stopped learn of a number that is not finite on one of them', async () => {
  const errors = await onRing(2, async (ring) => {
    const learn = await makeLearner({ strata: 4, passes: 1, unknownUser: 'na', ring }, smallData({ batchSize: 4 }));
    const stop = new AbortController();
    if (ring.rank === 0) learn.embeddings.gpu.write(learn.embeddings.parts[0].param, Float32Array.of(NaN));
    const error = await diverges(() => learn.fit(1, 0.001, { signal: stop.signal, onProgress: () => stop.abort() }));
    assert.ok(error.step < learn.trainer.stepsPerEpoch - 1);
    learn.release();
    return error.message;
  });
  assert.is(errors[1], errors[0]);
});

test('keepBest puts back the best epoch before a divergence under a range', async () => {
  const learn = await makeLearner();
  const best = keepBest();
  await diverges(() => learn.fit(3, 0.01, { callbacks: [best, spoil(biasOfUser(learn), NaN, 'param', (epoch) => epoch === 1)] }));
  assert.is(best.best!.epoch, 1);
  assert.is((await learn.validate()).loss, best.best!.value);
  assert.ok(Object.values(await learn.tables()).every((table) => table.every(Number.isFinite)));
  learn.release();
});

test.run();
