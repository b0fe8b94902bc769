import { test } from 'uvu';
import { adam, rateOf } from '../../../shaders/ops/adam.js';
import { optimizerStep } from '../../../shaders/train/optimizer-step.wgsl.js';
import { optimizerStep as twin } from '../../twins/optimizer-step.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../helpers/kernel.js';
import { randomFloats } from '../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const [wd, wdBias, eps] of [
  [0.1, 0.1, 1e-8],
  [0.2, 0, 1e-5],
  [0, 0.3, 1e-8],
]) {
  test(`optimizerStep makes Adam's step on every parameter: wd ${wd}, wdBias ${wdBias}, eps ${eps}`, async () => {
    for (const size of SIZES) {
      const rowStride = 12;
      const nParams = size * rowStride;
      // States that Adam can reach: v at least m^2.
      const m = randomFloats(nParams, 2, -0.1, 0.1);
      const noise = randomFloats(nParams, 3, 1, 2);
      await assertKernelIsTwin(gpu, optimizerStep(adam), twin(adam), {
        buffers: {
          rates: [rateOf(1, 0, 0.5, 1), rateOf(0.05, 0.87, 0.99, 7), rateOf(1, 0, 0.5, 1)],
          grad: randomFloats(nParams, 1),
          param: randomFloats(nParams, 4),
          m,
          v: m.map((each, i) => Math.fround(each * each * noise[i])),
        },
        uniforms: { nParams, rowStride, biasColumn: 8, wd, wdBias, beta2: 0.99, eps },
        immediates: { step: 1 },
        threads: nParams,
      });
    }
  });
}

test.run();
