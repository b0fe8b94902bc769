import { test } from 'uvu';
import { validate } from '../../../shaders/answer/validate.wgsl.js';
import { mse } from '../../../shaders/ops/loss.js';
import { dotProduct } from '../../../shaders/ops/score.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS } from '../../helpers/kernel.js';
import { randomRatingStructs, randomRows, RANGES, SCORES, sizesFor } from '../../helpers/kernel-input.js';
import { logCosh } from '../../helpers/ops.js';
import { validate as twin } from '../../twins/validate.js';

const gpu = await sharedGpu();

for (const [score] of SCORES) {
  for (const range of RANGES) {
    for (const hasBias of score === dotProduct ? [true, false] : [range === RANGES[0]]) {
      const loss = hasBias ? mse : logCosh;
      test(`validate sums errors by workgroup: ${loss.name}, ${range.name}, ${score.name}, ${hasBias ? 'bias' : 'no bias'}`, async () => {
        const kernel = validate(loss, range, score, hasBias);
        for (const nFactors of FACTORS) {
          const { layout, param } = randomRows(nFactors, hasBias);
          const { param: others } = randomRows(nFactors, hasBias, 9);
          const { factorVecs, rowVecs } = layout;
          for (const nRatings of sizesFor(score)) {
            await assertKernelIsTwin(gpu, kernel, twin(loss, range, score, hasBias, kernel.workgroupSize), {
              buffers: {
                ratings: randomRatingStructs(nRatings),
                users: param,
                items: others,
                sums: new Float64Array(4 * (2 + Math.ceil(nRatings / kernel.workgroupSize))),
              },
              uniforms: { factorVecs, rowVecs },
              immediates: { begin: nRatings >> 2, end: nRatings, firstSum: 1 },
              threads: nRatings - (nRatings >> 2),
            });
          }
        }
      });
    }
  }
}

test.run();
