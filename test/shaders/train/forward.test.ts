import { test } from 'uvu';
import { mse } from '../../../shaders/ops/loss.js';
import { forward } from '../../../shaders/train/forward.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS } from '../../helpers/kernel.js';
import { emptyOutcomes, randomRatingStructs, randomRows, RANGES, SCORES, sizesFor } from '../../helpers/kernel-input.js';
import { logCosh } from '../../helpers/ops.js';
import { forward as twin } from '../../twins/forward.js';

const gpu = await sharedGpu();

for (const [score, sumOf] of SCORES) {
  for (const range of RANGES) {
    for (const hasBias of [true, false]) {
      const loss = hasBias ? mse : logCosh;
      test(`forward gives losses and gradients: ${loss.name}, ${range.name}, ${score.name}, ${hasBias ? 'bias' : 'no bias'}`, async () => {
        for (const nFactors of FACTORS) {
          const { layout, param } = randomRows(nFactors, hasBias);
          const { factorVecs, rowVecs } = layout;
          for (const batchSize of sizesFor(score)) {
            await assertKernelIsTwin(gpu, forward(loss, range, score, hasBias), twin(loss, range, score, hasBias, sumOf), {
              buffers: {
                ratings: randomRatingStructs(3 * batchSize),
                param,
                outcomes: emptyOutcomes(3 * batchSize, sumOf),
              },
              uniforms: { lossScale: 1 / 7, factorVecs, rowVecs },
              immediates: { first: batchSize, nRatings: batchSize },
              threads: batchSize,
            });
          }
        }
      });
    }
  }
}

test.run();
