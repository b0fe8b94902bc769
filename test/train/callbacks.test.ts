import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';
import { DivergedError } from '../../src/base/errors.js';
import { csvHistory, earlyStopping, historyCsv, keepBest } from '../../src/train/callbacks.js';
import type { Callback, EpochRecord, Fit } from '../../src/train/fit.js';
import { collabLearner } from '../../src/train/make-learner.js';
import type { LearnerOptions } from '../../src/train/options.js';
import { sharedGpu } from '../helpers/gpu.js';
import { assertRefused, refusal } from '../helpers/refusal.js';
import { sameBits } from '../helpers/training.js';

const test = suite('callbacks');

const { columns } = plantedRatings({ nUsers: 60, nItems: 80, nRatings: 1200 });
const data = CollabData.fromArrays(columns, { batchSize: 16 });
const learner = async (options: LearnerOptions = {}, of = data) =>
  collabLearner(of, { nFactors: 5, yRange: [0, 5.5], wd: 0.1, gpu: await sharedGpu(), ...options });

/** A fit's record with the given validation loss. */
const epochOf = (epoch: number, validLoss: number): EpochRecord => ({
  epoch,
  trainLoss: 1,
  validLoss,
  valid: { loss: validLoss, mse: validLoss, rmse: 0, mae: 0 },
  trainSeconds: 0.5,
  validateSeconds: 0.25,
});

/** The epoch after which a callback stops a fit with these validation losses. */
async function stopsAfter(callback: Callback, losses: number[]): Promise<number | undefined> {
  const fit = { records: [], learner: { data } } as unknown as Fit;
  await callback.onBegin?.(fit);
  for (const [epoch, loss] of losses.entries()) {
    const record = epochOf(epoch, loss);
    fit.records.push(record);
    if (await callback.onEpoch!(record, fit)) return epoch;
  }
  return undefined;
}

test('early stopping ends the fit after `patience` epochs in a row that are not better', async () => {
  assert.is(await stopsAfter(earlyStopping(), [3, 2, 2, 1]), 2);
  assert.is(await stopsAfter(earlyStopping({ patience: 2 }), [3, 2, 2, 1, 4, 1, 0]), 5);
  assert.is(await stopsAfter(earlyStopping({ patience: 2 }), [3, 2, 1]), undefined);
  assert.is(await stopsAfter(earlyStopping({ patience: 2 }), [NaN, NaN]), 1);
});

test('early stopping counts an epoch as better only if it gains more than minDelta', async () => {
  assert.is(await stopsAfter(earlyStopping({ minDelta: 0.5 }), [3, 2.4, 1.9]), 2);
  assert.is(await stopsAfter(earlyStopping({ minDelta: 0.4 }), [3, 2.4, 1.9]), undefined);
});

test('early stopping can monitor another figure', async () => {
  assert.is(await stopsAfter(earlyStopping({ monitor: 'trainLoss' }), [3, 2, 1]), 1);
});

test('wrong options of callbacks are refused by name', async () => {
  await assertRefused(() => earlyStopping({ patience: 0 }), /patience must be a whole number of at least 1, not 0/);
  await assertRefused(() => earlyStopping({ minDelta: -1 }), /minDelta must be a number of at least 0, not -1/);
  await assertRefused(() => earlyStopping({ min_delta: 1 } as never), /did you mean minDelta\?/, TypeError);
  await assertRefused(() => keepBest({ monitor: 'accuracy' as never }), /monitor must be 'validLoss', .* or 'mae', not 'accuracy'/);
  await assertRefused(() => keepBest({ Monitor: 'mae' } as never), /did you mean monitor\?/, TypeError);
});

test('monitoring validation without validation ratings is refused before training', async () => {
  const learn = await learner({}, CollabData.fromArrays(columns, { validPct: 0, batchSize: 16 }));
  for (const callback of [earlyStopping(), keepBest({ monitor: 'rmse' })]) {
    await assertRefused(() => learn.fit(1, 0.01, { callbacks: [callback] }), /no validation ratings to compute .* from/);
  }
  assert.is(learn.trainer.stepCount, 0);
  assert.is((await learn.fit(2, 0.01, { callbacks: [earlyStopping({ monitor: 'trainLoss' })] })).length, 2);
  learn.release();
});

test('a fit that early stopping ends keeps its records and the model of its last epoch', async () => {
  const [stopped, short] = [await learner({ stepper: 'dense' }), await learner({ stepper: 'dense' })];
  const records = await stopped.fit(30, 0.03, { callbacks: [earlyStopping()] });
  assert.ok(records.length > 1 && records.length < 30, String(records.length));
  assert.ok(records.at(-1)!.validLoss >= records.at(-2)!.validLoss);
  await short.fit(records.length, 0.03);
  assert.ok(sameBits((await stopped.embeddings.readState()).param, (await short.embeddings.readState()).param));
  stopped.release();
  short.release();
});

test('keepBest puts back the bits of the best epoch, moments included', async () => {
  const states: Float32Array[][] = [];
  const learn = await learner();
  const best = keepBest();
  const watch: Callback = { onEpoch: async (_, fit) => void states.push(Object.values(await fit.learner.embeddings.readState())) };
  const records = await learn.fit(12, 0.03, { callbacks: [best, watch] });
  const losses = records.map((record) => record.validLoss);
  const bestEpoch = losses.indexOf(Math.min(...losses));
  assert.ok(bestEpoch < 11, 'the last epoch is the best: the test shows nothing');
  assert.equal(best.best, { epoch: bestEpoch, value: losses[bestEpoch] });
  const now = Object.values(await learn.embeddings.readState());
  now.forEach((array, i) => assert.ok(sameBits(array, states[bestEpoch][i])));
  assert.is((await learn.validate()).loss, losses[bestEpoch]);
  assert.is(learn.trainer.stepCount, (bestEpoch + 1) * learn.trainer.stepsPerEpoch);
  learn.release();
});

test('keepBest never puts back the model of an earlier fit', async () => {
  const learn = await learner();
  const best = keepBest();
  await learn.fit(1, 0.01, { callbacks: [best] });
  await learn.fit(1, 0.01);
  const { param } = await learn.embeddings.readState();
  const failing: Callback = {
    onBegin: () => {
      throw new Error('mine.');
    },
  };
  for (const callbacks of [
    [failing, best],
    [best, failing],
  ]) {
    await assertRefused(() => learn.fit(1, 0.01, { callbacks }), /^mine\.$/, Error);
    assert.ok(sameBits((await learn.embeddings.readState()).param, param));
    assert.is(learn.trainer.stepCount, 2 * learn.trainer.stepsPerEpoch);
  }
  learn.release();
});

test('after divergence, named with step and rate, keepBest has the last good model', async () => {
  const learn = await learner({ yRange: null });
  await learn.fit(1, 0.01);
  const { loss } = await learn.validate();
  const best = keepBest();
  const poison: Callback = {
    onEpoch: ({ epoch }, { learner: { embeddings: model } }) => {
      if (epoch === 1) model.gpu.write(model.parts[0].param, new Float32Array(model.layout.nParams).fill(NaN));
    },
  };
  const error = (await refusal(() => learn.fit(4, 0.01, { callbacks: [best, poison] }), DivergedError)) as DivergedError;
  assert.equal([error.step, error.lr], [2 * learn.trainer.stepsPerEpoch, 0.01]);
  assert.match(error.message, /not finite at step \d+ \(lr 0\.01\)/);
  const { length } = learn.history.losses;
  assert.is((await learn.validate()).loss, best.best!.value);
  assert.ok(best.best!.value < loss);
  assert.is(learn.history.losses.length, length, 'nothing of the failed fit comes late');
  learn.release();
});

test('the history is CSV with a header, and csvHistory writes it whole after each epoch', async () => {
  assert.is(
    historyCsv([epochOf(0, 0.5), epochOf(1, NaN)]),
    ['epoch,train_loss,valid_loss,mse,rmse,mae,train_seconds,validate_seconds', '0,1,0.5,0.5,0,0,0.5,0.25', '1,1,,,0,0,0.5,0.25', ''].join(
      '\n',
    ),
  );
  const written: string[] = [];
  const learn = await learner();
  const records = await learn.fit(2, 0.01, { callbacks: [csvHistory((csv) => void written.push(csv))] });
  assert.equal(written, [historyCsv(records.slice(0, 1)), historyCsv(records)]);
  learn.release();
});

test('what csvHistory is given may return true, as streams do, and the fit goes on', async () => {
  const learn = await learner();
  const write = (() => true) as unknown as (csv: string) => void;
  assert.is((await learn.fit(2, 0.01, { callbacks: [csvHistory(write)] })).length, 2);
  learn.release();
});

test.run();
