import { test } from 'uvu';
import { rangeOf } from '../../../../shaders/ops/range.js';
import { applyRange } from '../../../../shaders/train/unfused/apply-range.wgsl.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../../helpers/kernel.js';
import { randomFloats } from '../../../helpers/kernel-input.js';
import { applyRange as twin } from '../../../twins/apply-range.js';

const gpu = await sharedGpu();

for (const bounds of [[0, 5.5], [-3, -1], null] as const) {
  test(`applyRange predicts a batch: bounds ${JSON.stringify(bounds)}`, async () => {
    const range = rangeOf(bounds);
    for (const batchSize of SIZES) {
      const z = randomFloats(batchSize, 5, -20, 20);
      z.set([-1000, 1000, 0].slice(0, batchSize));
      await assertKernelIsTwin(gpu, applyRange(range), twin(range), {
        buffers: { z, yHat: new Float64Array(batchSize) },
        uniforms: {},
        immediates: { nRatings: batchSize },
        threads: batchSize,
      });
    }
  });
}

test.run();
