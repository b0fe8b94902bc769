import { test } from 'uvu';
import { mse } from '../../../../shaders/ops/loss.js';
import { lossBackward } from '../../../../shaders/train/unfused/loss-backward.wgsl.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../../helpers/kernel.js';
import { emptyOutcomes, randomFloats, randomRatingStructs, RANGES, SCORES } from '../../../helpers/kernel-input.js';
import { logCosh } from '../../../helpers/ops.js';
import { lossBackward as twin } from '../../../twins/loss-backward.js';
import { sumStride } from '../../../twins/score.js';

const gpu = await sharedGpu();

for (const [score, sumOf] of SCORES) {
  for (const range of RANGES) {
    for (const loss of [mse, logCosh]) {
      test(`lossBackward gives losses and gradients of a batch: ${loss.name}, ${range.name}, ${score.name}`, async () => {
        for (const batchSize of SIZES) {
          const z = randomFloats(batchSize, 5, -6, 6);
          await assertKernelIsTwin(gpu, lossBackward(loss, range, score), twin(loss, range, score), {
            buffers: {
              ratings: randomRatingStructs(3 * batchSize),
              sums: randomFloats(batchSize * sumStride(score), 6),
              z,
              yHat: z.map((each) => Math.fround(range.value(each))),
              outcomes: emptyOutcomes(3 * batchSize, sumOf),
            },
            uniforms: { lossScale: 1 / 7 },
            immediates: { first: batchSize, nRatings: batchSize },
            threads: batchSize,
          });
        }
      });
    }
  }
}

test.run();
