import { LOSS_BLOCK, lossBlocks, type lossSums as kernel } from '../../shaders/train/loss-sums.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/loss-sums.wgsl.ts. */
export const lossSums: Twin<typeof kernel> = ({ losses, lossSums: sums }, { batchSize, stride, nSteps }) => {
  const blocks = lossBlocks(batchSize);
  for (let i = 0; i < nSteps * blocks; i++) {
    const step = Math.floor(i / blocks);
    const begin = (i % blocks) * LOSS_BLOCK;
    sums[i] = 0;
    for (let k = begin; k < Math.min(begin + LOSS_BLOCK, batchSize); k++) sums[i] += losses[(step * batchSize + k) * stride];
  }
};
