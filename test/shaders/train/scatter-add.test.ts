import { test } from 'uvu';
import { RATING_SIZE, TOUCH_SIZE } from '../../../shaders/ops/structs.js';
import { scatterAdd } from '../../../shaders/train/scatter-add.wgsl.js';
import { BatchGrouper } from '../../../src/data/batches.js';
import { scatterAdd as twin } from '../../twins/scatter-add.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS, SIZES } from '../../helpers/kernel.js';
import { randomFloats, randomRows } from '../../helpers/kernel-input.js';
import { randomRatings } from '../../helpers/training.js';

const gpu = await sharedGpu();

/** Structs of a chunk of batches as the twin reads them. */
function structs(words: Uint32Array<ArrayBuffer>, size: number): Uint32Array[] {
  return Array.from({ length: words.length / size }, (_, i) => words.slice(size * i, size * (i + 1)));
}

for (const nFactors of FACTORS) {
  for (const bias of [true, false]) {
    test(`scatterAdd sums the gradient of touched rows: ${nFactors} factors, ${bias ? 'bias' : 'no bias'}`, async () => {
      const { layout, param } = randomRows(nFactors, bias);
      const {
        shape: { nUsers, nItems },
        rowStride,
      } = layout;
      for (const batchSize of SIZES) {
        const train = randomRatings(layout.shape, 2 * batchSize, 6);
        const order = Uint32Array.from({ length: 2 * batchSize }, (_, k) => k);
        const { ratings, touches, touchStart, members } = new BatchGrouper(train, nUsers, nItems, batchSize, 2).group(order, 0, 2);
        const grad = randomFloats(layout.nParams, 7);
        await assertKernelIsTwin(
          gpu,
          scatterAdd,
          twin,
          {
            buffers: {
              ratings: structs(ratings, RATING_SIZE).map(([user, item]) => ({ user, item, y: 0 })),
              touches: structs(touches, TOUCH_SIZE).map(([row, begin, end, isItem]) => ({ row, begin, end, isItem })),
              members,
              param,
              dz: randomFloats(batchSize, 8),
              grad,
            },
            uniforms: { rowStride, nFactors, biasColumn: bias ? layout.biasColumn : rowStride },
            immediates: { first: batchSize, firstTouch: touchStart[1], nTouches: touchStart[2] - touchStart[1] },
            threads: (touchStart[2] - touchStart[1]) * rowStride,
          },
          1e-5,
        );
      }
    });
  }
}

test.run();
