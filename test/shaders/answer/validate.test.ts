import { test } from 'uvu';
import { mse } from '../../../shaders/ops/loss.js';
import { sigmoidRange } from '../../../shaders/ops/range.js';
import { validate } from '../../../shaders/answer/validate.wgsl.js';
import { validate as twin } from '../../twins/validate.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS, SIZES } from '../../helpers/kernel.js';
import { randomRatingStructs, randomRows } from '../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const yRange of [[0, 5.5], null] as const) {
  for (const bias of [true, false]) {
    test(`validate sums errors by workgroup: yRange ${JSON.stringify(yRange)}, ${bias ? 'bias' : 'no bias'}`, async () => {
      const range = sigmoidRange(yRange);
      const [lo, hi] = yRange ?? [0, 1];
      const kernel = validate(mse, range, bias);
      for (const nFactors of FACTORS) {
        const {
          layout: { factorVecs, rowVecs },
          param,
        } = randomRows(nFactors, bias);
        for (const nRatings of SIZES) {
          await assertKernelIsTwin(gpu, kernel, twin(mse, range, bias, kernel.workgroupSize), {
            buffers: {
              ratings: randomRatingStructs(nRatings),
              param,
              sums: new Float64Array(4 * Math.ceil(nRatings / kernel.workgroupSize)),
            },
            uniforms: { nRatings, factorVecs, rowVecs, lo, hi },
            immediates: {},
            threads: nRatings,
          });
        }
      }
    });
  }
}

test.run();
