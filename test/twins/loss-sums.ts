import { LOSS_BLOCK, type lossSums as kernel } from '../../shaders/train/loss-sums.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/loss-sums.wgsl.ts. */
export const lossSums: Twin<typeof kernel> = ({ segments, losses, lossSums: sums }, { blocks, stride, nSegments }) => {
  for (let i = 0; i < nSegments * blocks; i++) {
    const { begin, end } = segments[Math.floor(i / blocks)];
    const first = begin + (i % blocks) * LOSS_BLOCK;
    sums[i] = 0;
    for (let k = first; k < Math.min(first + LOSS_BLOCK, end); k++) sums[i] += losses[k * stride];
  }
};
