import { test } from 'uvu';
import { copies } from '../../../shaders/batches/copies.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../helpers/kernel.js';
import { randomSource } from '../../helpers/random.js';
import { copies as twin } from '../../twins/copies.js';

const gpu = await sharedGpu();

for (const [copyWords, nSteps] of [
  [1, 1],
  [1, 31],
  [2, 32],
  [2, 63],
  [33, 1024],
]) {
  test(`copies of ${nSteps} steps, and where rows enter them`, async () => {
    for (const nRows of SIZES) {
      const random = randomSource(nRows);
      const words = new Uint32Array(nRows * copyWords);
      for (let row = 0; row < nRows; row++) {
        const share = random() ** 3; // from rows that are never touched to rows that always are
        for (let step = 0; step < nSteps; step++) if (random() < share) words[row * copyWords + (step >> 5)] |= 1 << (step % 32);
      }
      await assertKernelIsTwin(gpu, copies, twin, {
        buffers: { copies: words, entries: new Uint32Array(nRows) },
        uniforms: { nRows, copyWords },
        immediates: { nSteps },
        threads: nRows,
      });
    }
  });
}

test.run();
