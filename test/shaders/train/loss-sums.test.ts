import { test } from 'uvu';
import { LOSS_BLOCK, lossSums } from '../../../shaders/train/loss-sums.wgsl.js';
import { lossSums as twin } from '../../twins/loss-sums.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../helpers/kernel.js';
import { randomFloats } from '../../helpers/kernel-input.js';

const gpu = await sharedGpu();

for (const stride of [1, 2]) {
  test(`lossSums adds up segments of any length, every ${stride === 1 ? 'float' : 'second float'}`, async () => {
    for (const length of SIZES) {
      const nSegments = 67;
      // Short ones and empty ones among them, and not in order.
      const segments = Array.from({ length: nSegments }, (_, s) => {
        const begin = ((7 * s) % nSegments) * length;
        return { begin, end: begin + (s % 3 === 2 ? Math.floor(length / 2) : s % 11 === 5 ? 0 : length) };
      });
      const blocks = Math.ceil(length / LOSS_BLOCK);
      await assertKernelIsTwin(gpu, lossSums, twin, {
        buffers: {
          segments,
          losses: randomFloats(nSegments * length * stride, 9, 0, 30),
          lossSums: randomFloats(nSegments * blocks, 8),
        },
        uniforms: { blocks, stride },
        immediates: { nSegments },
        threads: nSegments * blocks,
      });
    }
  });
}

test.run();
