import { test } from 'uvu';
import { sigmoidRange } from '../../../shaders/ops/range.js';
import { predict } from '../../../shaders/answer/predict.wgsl.js';
import { predict as twin } from '../../twins/predict.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS, SIZES } from '../../helpers/kernel.js';
import { randomRatingStructs, randomRows } from '../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const yRange of [[0.5, 5], null] as const) {
  for (const bias of [true, false]) {
    test(`predict predicts pairs: yRange ${JSON.stringify(yRange)}, ${bias ? 'bias' : 'no bias'}`, async () => {
      const range = sigmoidRange(yRange);
      const [lo, hi] = yRange ?? [0, 1];
      for (const nFactors of FACTORS) {
        const {
          layout: { factorVecs, rowVecs },
          param,
        } = randomRows(nFactors, bias);
        for (const nPairs of SIZES) {
          await assertKernelIsTwin(gpu, predict(range, bias), twin(range, bias), {
            buffers: { ratings: randomRatingStructs(nPairs), param, yHat: new Float64Array(nPairs) },
            uniforms: { factorVecs, rowVecs, lo, hi },
            immediates: { nPairs },
            threads: nPairs,
          });
        }
      }
    });
  }
}

test.run();
