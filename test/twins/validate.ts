import type { validate as kernel } from '../../shaders/answer/validate.wgsl.js';
import { ifFinite } from '../../shaders/ops/finite.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import { scoreRows } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/answer/validate.wgsl.ts; `group` is its workgroup size. */
export const validate =
  (loss: LossOp, range: RangeOp, score: ScoreOp, hasBias: boolean, group: number): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, users, items, sums }, { begin, end, firstSum, factorVecs, rowVecs }) => {
    sums.fill(0, 4 * firstSum, 4 * (firstSum + Math.ceil((end - begin) / group)));
    for (let k = begin; k < end; k++) {
      const { user, item, y } = ratings[k];
      const z = scoreRows(score, [users, items], [user * rowVecs, item * rowVecs], factorVecs, hasBias);
      const yHat = ifFinite(z, range.value(z));
      const at = 4 * (firstSum + Math.floor((k - begin) / group));
      sums[at] += loss.value(yHat, y);
      sums[at + 1] += (yHat - y) ** 2;
      sums[at + 2] += Math.abs(yHat - y);
    }
  };
