import { ifFinite } from '../../shaders/ops/finite.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import type { lossBackward as kernel } from '../../shaders/train/unfused/loss-backward.wgsl.js';
import { sumStride } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/unfused/loss-backward.wgsl.ts. */
export const lossBackward =
  (loss: LossOp, range: RangeOp, score: ScoreOp): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, sums, z, yHat, outcomes }, { nRatings, lossScale, first }) => {
    const stride = sumStride(score);
    for (let k = 0; k < nRatings; k++) {
      const { y } = ratings[first + k];
      const dz = loss.grad(yHat[k], y) * lossScale * range.grad(z[k]);
      const sum = stride === 1 ? sums[k] : sums.slice(k * stride, k * stride + Number(score.sum![3]));
      outcomes[first + k] = { loss: ifFinite(z[k], loss.value(yHat[k], y)), dz, sum };
    }
  };
