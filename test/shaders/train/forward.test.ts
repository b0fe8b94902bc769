import { test } from 'uvu';
import { forward } from '../../../shaders/train/forward.wgsl.js';
import { mse } from '../../../shaders/ops/loss.js';
import { sigmoidRange } from '../../../shaders/ops/range.js';
import { forward as twin } from '../../twins/forward.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS, SIZES } from '../../helpers/kernel.js';
import { randomRatingStructs, randomRows } from '../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const yRange of [[0, 5.5], null] as const) {
  for (const bias of [true, false]) {
    test(`forward gives losses and gradients of a batch: yRange ${JSON.stringify(yRange)}, ${bias ? 'bias' : 'no bias'}`, async () => {
      const range = sigmoidRange(yRange);
      const [lo, hi] = yRange ?? [0, 1];
      for (const nFactors of FACTORS) {
        const {
          layout: { factorVecs, rowVecs },
          param,
        } = randomRows(nFactors, bias);
        for (const batchSize of SIZES) {
          await assertKernelIsTwin(gpu, forward(mse, range, bias), twin(mse, range, bias), {
            buffers: {
              ratings: randomRatingStructs(3 * batchSize),
              param,
              losses: new Float64Array(3 * batchSize),
              dz: new Float64Array(batchSize),
            },
            uniforms: { batchSize, factorVecs, rowVecs, lo, hi },
            immediates: { first: batchSize },
            threads: batchSize,
          });
        }
      }
    });
  }
}

test.run();
