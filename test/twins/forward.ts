import { ifFinite } from '../../shaders/ops/finite.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import type { forward as kernel } from '../../shaders/train/forward.wgsl.js';
import { factorsAt, scoreRows, type ScoreSum } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/forward.wgsl.ts. Most scores are their sum. */
export const forward =
  (loss: LossOp, range: RangeOp, score: ScoreOp, hasBias: boolean, sumOf: ScoreSum = score.value): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, param, outcomes }, { nRatings, lossScale, factorVecs, rowVecs, first }) => {
    for (let k = first; k < first + nRatings; k++) {
      const [user, item] = [ratings[k].user * rowVecs, ratings[k].item * rowVecs];
      const { y } = ratings[k];
      const z = scoreRows(score, [param, param], [user, item], factorVecs, hasBias);
      const yHat = range.value(z);
      const sum = sumOf(factorsAt(param, user, factorVecs), factorsAt(param, item, factorVecs));
      outcomes[k] = { loss: ifFinite(z, loss.value(yHat, y)), dz: loss.grad(yHat, y) * lossScale * range.grad(z), sum };
    }
  };
