import { test } from 'uvu';
import { predict } from '../../../shaders/answer/predict.wgsl.js';
import { dotProduct } from '../../../shaders/ops/score.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS } from '../../helpers/kernel.js';
import { randomRatingStructs, randomRows, RANGES, SCORES, sizesFor } from '../../helpers/kernel-input.js';
import { predict as twin } from '../../twins/predict.js';

const gpu = await sharedGpu();

for (const [score] of SCORES) {
  for (const range of RANGES) {
    for (const hasBias of score === dotProduct ? [true, false] : [range === RANGES[0]]) {
      test(`predict predicts pairs: ${range.name}, ${score.name}, ${hasBias ? 'bias' : 'no bias'}`, async () => {
        for (const nFactors of FACTORS) {
          const { layout, param } = randomRows(nFactors, hasBias);
          const { param: others } = randomRows(nFactors, hasBias, 9);
          const { factorVecs, rowVecs } = layout;
          for (const nPairs of sizesFor(score)) {
            await assertKernelIsTwin(gpu, predict(range, score, hasBias), twin(range, score, hasBias), {
              buffers: { ratings: randomRatingStructs(nPairs), users: param, items: others, yHat: new Float64Array(nPairs) },
              uniforms: { factorVecs, rowVecs },
              immediates: { begin: nPairs >> 2, end: nPairs },
              threads: nPairs - (nPairs >> 2),
            });
          }
        }
      });
    }
  }
}

test.run();
