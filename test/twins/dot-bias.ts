import type { dotBias as kernel } from '../../shaders/train/unfused/score.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/dot-bias.wgsl.ts. */
export const dotBias =
  (bias: boolean): Twin<ReturnType<typeof kernel>> =>
  ({ users, items, z }, { batchSize, rowStride, nFactors, biasColumn }) => {
    for (let k = 0; k < batchSize; k++) {
      const row = k * rowStride;
      z[k] = bias ? users[row + biasColumn] + items[row + biasColumn] : 0;
      for (let f = 0; f < nFactors; f++) z[k] += users[row + f] * items[row + f];
    }
  };
