import { test } from 'uvu';
import { scores } from '../../../../shaders/train/unfused/scores.wgsl.js';
import { sharedGpu } from '../../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS } from '../../../helpers/kernel.js';
import { randomFloats, randomRows, SCORES, sizesFor } from '../../../helpers/kernel-input.js';
import { sumStride } from '../../../twins/score.js';
import { scores as twin } from '../../../twins/scores.js';

const gpu = await sharedGpu();

for (const [score, sumOf] of SCORES) {
  for (const hasBias of [true, false]) {
    test(`scores scores a batch: ${score.name}, ${hasBias ? 'bias' : 'no bias'}`, async () => {
      for (const nFactors of FACTORS) {
        const { factorVecs, rowVecs } = randomRows(nFactors, hasBias).layout;
        for (const batchSize of sizesFor(score)) {
          const n = 4 * batchSize * rowVecs;
          await assertKernelIsTwin(gpu, scores(score, hasBias), twin(score, hasBias, sumOf), {
            buffers: {
              users: randomFloats(n, 3),
              items: randomFloats(n, 4),
              sums: new Float64Array(batchSize * sumStride(score)),
              z: new Float64Array(batchSize),
            },
            uniforms: { factorVecs, rowVecs },
            immediates: { nRatings: batchSize },
            threads: batchSize,
          });
        }
      }
    });
  }
}

test.run();
