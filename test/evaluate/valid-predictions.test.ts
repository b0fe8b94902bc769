import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData, collabLearner, errorByCount, plantedRatings, validPredictions } from '../../src/index.js';
import { sharedGpu } from '../helpers/gpu.js';

const { columns } = plantedRatings({ nUsers: 40, nItems: 50, nRatings: 900 });
const data = CollabData.fromArrays(columns, { batchSize: 30 });
const learn = await collabLearner(data, { gpu: await sharedGpu(), nFactors: 4, yRange: [0, 5.5] });
test.after(() => learn.release());

test('predictions of the validation ratings have the error that validate finds', async () => {
  const predicted = await validPredictions(learn);
  assert.is(predicted.ratings.length, data.nValid);
  const bins = errorByCount(predicted, predicted.itemCounts);
  const mse = bins.reduce((sum, { n, rmse }) => sum + n * rmse ** 2, 0) / data.nValid;
  assert.ok(Math.abs(mse - (await learn.validate()).mse) < 1e-5 * mse);
});

test('counts are those of the training ratings of user and item', async () => {
  const { userCounts, itemCounts } = await validPredictions(learn);
  for (const k of [0, 1, data.nValid - 1]) {
    assert.is(userCounts[k], data.train.users.filter((user) => user === data.valid.users[k]).length);
    assert.is(itemCounts[k], data.train.items.filter((item) => item === data.valid.items[k]).length);
  }
});

test('at most as many are predicted as asked for, evenly', async () => {
  const [all, some] = [await validPredictions(learn), await validPredictions(learn, { most: 50 })];
  assert.ok(some.ratings.length <= 50 && some.ratings.length >= 25);
  const stride = Math.ceil(data.nValid / 50);
  assert.equal(
    [some.ratings[1], some.predictions[1], some.itemCounts[1]],
    [all.ratings[stride], all.predictions[stride], all.itemCounts[stride]],
  );
  for (const options of [{ most: 0 }, { most: 1.5 }]) {
    const error = await validPredictions(learn, options).catch((reason: Error) => reason);
    assert.match((error as Error).message, /most must be a whole number/);
  }
});

test.run();
