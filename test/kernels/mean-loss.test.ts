import { test } from 'uvu';
import { meanLoss } from '../../shaders/mean-loss.wgsl.js';
import { meanLoss as twin } from '../../src/reference/mean-loss.js';
import { sharedGpu } from '../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../helpers/kernel.js';
import { randomFloats } from '../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const nSteps of [1, 2, 65]) {
  test(`meanLoss averages each of ${nSteps} batches`, async () => {
    for (const batchSize of SIZES) {
      await assertKernelIsTwin(gpu, meanLoss, twin, {
        buffers: { losses: randomFloats(nSteps * batchSize, 9, 0, 30), meanLosses: new Float64Array(nSteps) },
        uniforms: { batchSize }, immediates: { nSteps }, groups: nSteps,
      });
    }
  });
}

test.run();
