import { test } from 'uvu';
import { lossBackward } from '../../../../shaders/train/unfused/loss-backward.wgsl.js';
import { mse } from '../../../../shaders/ops/loss.js';
import { sigmoidRange } from '../../../../shaders/ops/range.js';
import { lossBackward as twin } from '../../../twins/loss-backward.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../../helpers/kernel.js';
import { randomFloats, randomRatingStructs } from '../../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const yRange of [[0, 5.5], null] as const) {
  test(`lossBackward gives losses and gradients of a batch: yRange ${JSON.stringify(yRange)}`, async () => {
    const range = sigmoidRange(yRange);
    const [lo, hi] = yRange ?? [0, 1];
    for (const batchSize of SIZES) {
      const z = randomFloats(batchSize, 5, -6, 6);
      await assertKernelIsTwin(gpu, lossBackward(mse, range), twin(mse, range), {
        buffers: {
          ratings: randomRatingStructs(3 * batchSize),
          z,
          yHat: z.map((each) => Math.fround(range.value(each))),
          losses: new Float64Array(3 * batchSize),
          dz: new Float64Array(batchSize),
        },
        uniforms: { batchSize, lo, hi },
        immediates: { first: batchSize },
        threads: batchSize,
      });
    }
  });
}

test.run();
