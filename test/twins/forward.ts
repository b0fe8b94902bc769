import type { forward as kernel } from '../../shaders/train/forward.wgsl.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import { scoreRows } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/forward.wgsl.ts. */
export const forward =
  (loss: LossOp, range: RangeOp, bias: boolean): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, param, losses, dz }, { batchSize, factorVecs, rowVecs, first }) => {
    for (let k = 0; k < batchSize; k++) {
      const { user, item, y } = ratings[first + k];
      const z = scoreRows(param, user * rowVecs, item * rowVecs, factorVecs, bias);
      const yHat = range.value(z);
      losses[first + k] = loss.value(yHat, y);
      dz[k] = (loss.grad(yHat, y) / batchSize) * range.grad(z);
    }
  };
