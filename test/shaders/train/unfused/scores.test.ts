import { test } from 'uvu';
import { dotBias } from '../../../../shaders/train/unfused/score.wgsl.js';
import { dotBias as twin } from '../../../twins/dot-bias.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS, SIZES } from '../../../helpers/kernel.js';
import { randomFloats, randomRows } from '../../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const nFactors of FACTORS) {
  for (const bias of [true, false]) {
    test(`dotBias scores a batch: ${nFactors} factors, ${bias ? 'bias' : 'no bias'}`, async () => {
      const {
        layout: { rowStride, biasColumn },
      } = randomRows(nFactors, bias);
      for (const batchSize of SIZES) {
        const n = batchSize * rowStride;
        await assertKernelIsTwin(gpu, dotBias(bias), twin(bias), {
          buffers: { users: randomFloats(n, 3), items: randomFloats(n, 4), z: new Float64Array(batchSize) },
          uniforms: { batchSize, rowStride, nFactors, biasColumn },
          immediates: {},
          threads: batchSize,
        });
      }
    });
  }
}

test.run();
