import type { draw as kernel } from '../../shaders/batches/draw.wgsl.js';
import { permute } from '../../src/base/random.js';
import type { Twin } from './twin.js';

/** Twin of shaders/batches/draw.wgsl.ts. */
export const draw: Twin<typeof kernel> = (buffers, { batchSize, nUsers, copyWords, nRatings, n, key, first }) => {
  const { ratings, drawn, copies } = buffers;
  for (let k = 0; k < nRatings; k++) {
    const { user, item, y } = ratings[permute(n, key, first + k)];
    const step = Math.floor(k / batchSize);
    const at = 2 * step * batchSize + (k % batchSize);
    drawn[at] = { row: user, other: nUsers + item, y };
    drawn[at + batchSize] = { row: nUsers + item, other: user, y };
    for (const row of [user, nUsers + item]) copies[row * copyWords + Math.floor(step / 32)] |= 1 << (step % 32);
  }
};
