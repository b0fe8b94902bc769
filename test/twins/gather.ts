import type { gather as kernel } from '../../shaders/train/unfused/gather.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/unfused/gather.wgsl.ts. */
export const gather: Twin<typeof kernel> = ({ ratings, param, users, items }, { nRatings, rowVecs, first }) => {
  const n = 4 * rowVecs;
  for (let k = 0; k < nRatings; k++) {
    const { user, item } = ratings[first + k];
    users.set(param.subarray(user * n, (user + 1) * n), k * n);
    items.set(param.subarray(item * n, (item + 1) * n), k * n);
  }
};
