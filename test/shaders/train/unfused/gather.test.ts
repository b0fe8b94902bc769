import { test } from 'uvu';
import { gather } from '../../../../shaders/train/unfused/gather.wgsl.js';
import { gather as twin } from '../../../twins/gather.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS, SIZES } from '../../../helpers/kernel.js';
import { randomRatingStructs, randomRows } from '../../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const nFactors of FACTORS) {
  for (const bias of [true, false]) {
    test(`gather copies the rows of a batch: ${nFactors} factors, ${bias ? 'bias' : 'no bias'}`, async () => {
      const {
        layout: { rowStride },
        param,
      } = randomRows(nFactors, bias);
      for (const batchSize of SIZES) {
        const [users, items] = [0, 1].map(() => new Float64Array(batchSize * rowStride));
        await assertKernelIsTwin(
          gpu,
          gather,
          twin,
          {
            buffers: { ratings: randomRatingStructs(2 * batchSize), param, users, items },
            uniforms: { batchSize, rowStride },
            immediates: { first: batchSize },
            threads: batchSize * rowStride,
          },
          0,
        );
      }
    });
  }
}

test.run();
