import { test } from 'uvu';
import { scatterAdd } from '../../../shaders/train/scatter-add.wgsl.js';
import { BatchGrouper } from '../../../src/data/batches.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS } from '../../helpers/kernel.js';
import { randomFloats, randomOutcomes, randomRows, SCORES, sizesFor, structsOf } from '../../helpers/kernel-input.js';
import { randomRatings } from '../../helpers/training.js';
import { scatterAdd as twin } from '../../twins/scatter-add.js';

const gpu = await sharedGpu();

for (const [score, sumOf] of SCORES) {
  for (const hasBias of [true, false]) {
    test(`scatterAdd sums the gradient of touched rows: ${score.name}, ${hasBias ? 'bias' : 'no bias'}`, async () => {
      for (const nFactors of FACTORS) {
        const { layout, param } = randomRows(nFactors, hasBias);
        const { shape, factorVecs, rowVecs } = layout;
        for (const batchSize of sizesFor(score)) {
          const train = randomRatings(shape, 2 * batchSize, 6);
          const order = Uint32Array.from(train.ratings, (_, k) => k);
          const batches = new BatchGrouper(train, shape.nUsers, shape.nItems, batchSize, 2).group(
            order,
            Uint32Array.of(0, batchSize, 2 * batchSize),
          );
          const ratings = structsOf(batches.ratings);
          const [, firstTouch, end] = batches.touchStart;
          await assertKernelIsTwin(gpu, scatterAdd(score), twin(score), {
            buffers: {
              ratings,
              touches: structsOf(batches.touches),
              members: batches.members,
              param,
              outcomes: randomOutcomes(ratings, param, factorVecs, (row) => row * rowVecs, sumOf),
              grad: randomFloats(layout.nParams, 7),
            },
            uniforms: { factorVecs, rowVecs },
            immediates: { firstTouch, nTouches: end - firstTouch },
            threads: (end - firstTouch) * rowVecs,
          });
        }
      }
    });
  }
}

test.run();
