import type { scatterAdd as kernel } from '../../shaders/train/scatter-add.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/scatter-add.wgsl.ts. */
export const scatterAdd: Twin<typeof kernel> = (
  { ratings, touches, members, param, dz, grad },
  { rowStride, nFactors, biasColumn, first, firstTouch, nTouches },
) => {
  for (const { row, begin, end, isItem } of touches.slice(firstTouch, firstTouch + nTouches)) {
    grad.fill(0, row * rowStride, (row + 1) * rowStride);
    for (let j = begin; j < end; j++) {
      const k = members[j];
      const other = (isItem ? ratings[k].user : ratings[k].item) * rowStride;
      for (let f = 0; f < nFactors; f++) grad[row * rowStride + f] += dz[k - first] * param[other + f];
      if (biasColumn < rowStride) grad[row * rowStride + biasColumn] += dz[k - first];
    }
  }
};
