import { test } from 'uvu';
import { draw } from '../../../shaders/batches/draw.wgsl.js';
import { hash32 } from '../../../src/base/random.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../helpers/kernel.js';
import { randomRatings } from '../../helpers/training.js';
import { draw as twin } from '../../twins/draw.js';

const gpu = await sharedGpu();

for (const batchSize of [1, ...SIZES]) {
  test(`draw takes the ratings of 35 batches of ${batchSize} as the permutation orders them`, async () => {
    const [nUsers, nItems, nSteps, first] = [20, 30, 35, 7];
    const nRatings = nSteps * batchSize;
    const n = nRatings + 9;
    const { users, items, ratings } = randomRatings({ nUsers, nItems }, n, 3);
    await assertKernelIsTwin(gpu, draw, twin, {
      buffers: {
        ratings: Array.from(ratings, (y, i) => ({ user: users[i], item: items[i], y })),
        drawn: Array.from({ length: 2 * nRatings }, () => ({ row: 0, other: 0, y: 0 })),
        copies: new Uint32Array(2 * (nUsers + nItems)),
      },
      uniforms: { batchSize, nUsers, copyWords: 2 },
      immediates: { nRatings, n, key: hash32(1, batchSize, 0, 0), first },
      threads: nRatings,
    });
  });
}

test.run();
