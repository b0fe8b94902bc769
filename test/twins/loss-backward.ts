import type { lossBackward as kernel } from '../../shaders/train/unfused/loss-backward.wgsl.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { Twin } from './twin.js';

/** Twin of shaders/loss-backward.wgsl.ts. */
export const lossBackward =
  (loss: LossOp, range: RangeOp): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, z, yHat, losses, dz }, { batchSize, first }) => {
    for (let k = 0; k < batchSize; k++) {
      const { y } = ratings[first + k];
      losses[first + k] = loss.value(yHat[k], y);
      dz[k] = (loss.grad(yHat[k], y) / batchSize) * range.grad(z[k]);
    }
  };
