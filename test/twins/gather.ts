import type { gather as kernel } from '../../shaders/train/unfused/gather.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/gather.wgsl.ts. */
export const gather: Twin<typeof kernel> = ({ ratings, param, users, items }, { batchSize, rowStride, first }) => {
  for (let k = 0; k < batchSize; k++) {
    const { user, item } = ratings[first + k];
    for (let column = 0; column < rowStride; column++) {
      users[k * rowStride + column] = param[user * rowStride + column];
      items[k * rowStride + column] = param[item * rowStride + column];
    }
  }
};
