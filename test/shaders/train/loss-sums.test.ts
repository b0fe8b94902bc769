import { test } from 'uvu';
import { lossBlocks, lossSums } from '../../../shaders/train/loss-sums.wgsl.js';
import { lossSums as twin } from '../../twins/loss-sums.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../helpers/kernel.js';
import { randomFloats } from '../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const nSteps of [1, 2, 65]) {
  for (const stride of [1, 2]) {
    test(`lossSums adds up the blocks of ${nSteps} batches, every ${stride === 1 ? 'float' : 'second float'}`, async () => {
      for (const batchSize of SIZES) {
        const blocks = nSteps * lossBlocks(batchSize);
        await assertKernelIsTwin(gpu, lossSums, twin, {
          buffers: { losses: randomFloats(nSteps * batchSize * stride, 9, 0, 30), lossSums: new Float64Array(blocks) },
          uniforms: { batchSize, stride },
          immediates: { nSteps },
          threads: blocks,
        });
      }
    });
  }
}

test.run();
