import { test } from 'uvu';
import { gather } from '../../../../shaders/train/unfused/gather.wgsl.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS, SIZES } from '../../../helpers/kernel.js';
import { randomRatingStructs, randomRows } from '../../../helpers/kernel-input.js';
import { gather as twin } from '../../../twins/gather.js';

const gpu = await sharedGpu();

for (const nFactors of FACTORS) {
  for (const hasBias of [true, false]) {
    test(`gather copies the rows of a batch: ${nFactors} factors, ${hasBias ? 'bias' : 'no bias'}`, async () => {
      const { layout, param } = randomRows(nFactors, hasBias);
      const { rowVecs } = layout;
      for (const batchSize of SIZES) {
        const [users, items] = [0, 1].map(() => new Float64Array(4 * batchSize * rowVecs));
        const launch = {
          buffers: { ratings: randomRatingStructs(2 * batchSize), param, users, items },
          uniforms: { rowVecs },
          immediates: { first: batchSize, nRatings: batchSize },
          threads: batchSize * rowVecs,
        };
        await assertKernelIsTwin(gpu, gather, twin, launch, 0);
      }
    });
  }
}

test.run();
