import { test } from 'uvu';
import { sigmoidRange } from '../../../../shaders/ops/range.js';
import { applyRange } from '../../../../shaders/train/unfused/range.wgsl.js';
import { applyRange as twin } from '../../../twins/sigmoid-range.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../../helpers/kernel.js';
import { randomFloats } from '../../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const yRange of [[0, 5.5], [-3, -1], null] as const) {
  test(`sigmoidRange predicts a batch: yRange ${JSON.stringify(yRange)}`, async () => {
    const range = sigmoidRange(yRange);
    const [lo, hi] = yRange ?? [0, 1];
    for (const batchSize of SIZES) {
      const z = randomFloats(batchSize, 5, -20, 20);
      z.set([-1000, 1000, 0].slice(0, batchSize));
      await assertKernelIsTwin(gpu, applyRange(range), twin(range), {
        buffers: { z, yHat: new Float64Array(batchSize) },
        uniforms: { batchSize, lo, hi },
        immediates: {},
        threads: batchSize,
      });
    }
  });
}

test.run();
