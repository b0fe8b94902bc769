import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { plantedRatings } from '../../src/data/planted.js';
import { CollabData } from '../../src/data/collab-data.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { sharedGpu } from '../helpers/gpu.js';
import { withEngine } from '../helpers/worker.js';

const gpu = await sharedGpu();
const SIZE = { nUsers: 60, nItems: 80, nRatings: 2000, seed: 1 };

test('a model trained in a worker has the bits of one trained here, and answers alike', async () => {
  await withEngine(gpu, async (engine) => {
    const ratings = await engine.plantedRatings(SIZE);
    const data = await engine.makeData(ratings, { batchSize: 32, seed: 5 });
    const remote = await engine.collabLearner(data, { nFactors: 8 });
    const own = CollabData.fromArrays(plantedRatings(SIZE).columns, { name: 'planted', batchSize: 32, seed: 5 });
    const learn = await collabLearner(own, { nFactors: 8, gpu });
    const untimed = (records: { trainSeconds: number }[]) => records.map((record) => ({ ...record, trainSeconds: 0, validateSeconds: 0 }));
    assert.equal(untimed(await remote.fitOneCycle(2, 0.02)), untimed(await learn.fitOneCycle(2, 0.02)));
    assert.equal(await remote.tables(), await learn.tables());
    assert.equal(await remote.recommend(3, 5), await learn.recommend(3, 5));
    const folded = await remote.foldIn([
      [1, 5],
      [2, 3],
    ]);
    const mine = await learn.foldIn([
      [1, 5],
      [2, 3],
    ]);
    assert.equal([folded.factors, folded.bias], [mine.factors, mine.bias]);
    assert.equal(await folded.because(4), await mine.because(4));
    await remote.release();
    learn.release();
  });
});

test.run();
