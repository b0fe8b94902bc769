import { test } from 'uvu';
import { MOST_RANKED, rank, rankGroups } from '../../../shaders/batches/rank.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin } from '../../helpers/kernel.js';
import { randomSource } from '../../helpers/random.js';
import { rank as twin } from '../../twins/rank.js';

const gpu = await sharedGpu();

for (const batchSize of [1, 3, 64, 85, 128, 129, 255, MOST_RANKED]) {
  for (const nRows of [1, 40, 1e9]) {
    test(`segments of ${batchSize} ratings of ${nRows} rows are sorted, equal rows in their order`, async () => {
      const random = randomSource(batchSize);
      for (const nSegments of [2, 10]) {
        const unsorted = Array.from({ length: nSegments * batchSize }, (_, i) => ({ row: Math.floor(nRows * random()), other: i, y: i }));
        await assertKernelIsTwin(gpu, rank, twin, {
          buffers: { unsorted, sorted: unsorted.map(() => ({ row: 0, other: 0, y: 0 })) },
          uniforms: { batchSize },
          immediates: { nSegments },
          groups: rankGroups(nSegments, batchSize) + 1,
        });
      }
    });
  }
}

test.run();
