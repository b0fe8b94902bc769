/** Suggestions for the noisy curves of real sweeps: several seeds and batch sizes, of which the smallest learn little in 100 steps. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData, collabLearner, plantedRatings, type RatingColumns } from '../../src/index.js';
import { readRatings } from '../../src/node.js';
import { join } from 'node:path';
import { sharedGpu } from '../helpers/gpu.js';

const movielens = process.env['MOVIELENS_DIR'];
if (movielens === undefined) console.log('skipped: sweeps of MovieLens-100K; set MOVIELENS_DIR to the folder that holds ml-100k');
const sets: Record<string, () => Promise<RatingColumns>> = {
  'the planted set': async () => plantedRatings().columns,
  ...(movielens !== undefined && { 'MovieLens-100K': async () => (await readRatings(join(movielens, 'ml-100k/u.data'))).columns }),
};

for (const [name, ratings] of Object.entries(sets)) {
  test(`no rule suggests a rate at which ${name} learns nothing, or one that breaks it`, async () => {
    const [gpu, columns] = [await sharedGpu(), await ratings()];
    for (const batchSize of [16, 64, 512]) {
      for (const seed of [1, 2]) {
        const data = CollabData.fromArrays(columns, { batchSize, seed });
        const learn = await collabLearner(data, { gpu, seed, nFactors: 40, yRange: [0, 5.5], wd: 0.1 });
        const found = await learn.lrFind();
        learn.release();
        for (const rule of ['valley', 'steep', 'slide', 'minimum', 'minGradient'] as const) {
          const what = `${rule} is ${found[rule]} with seed ${seed} and batches of ${batchSize}`;
          assert.ok(found[rule] > 5e-4 && found[rule] < 1, what); // seen: from 1.3e-3 to 0.63
        }
        assert.ok(found.valley < 0.25, `valley is ${found.valley}`);
      }
    }
  });
}

test.run();
