import type { predict as kernel } from '../../shaders/answer/predict.wgsl.js';
import { ifFinite } from '../../shaders/ops/finite.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import { scoreRows } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/answer/predict.wgsl.ts. */
export const predict =
  (range: RangeOp, score: ScoreOp, hasBias: boolean): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, users, items, yHat }, { begin, end, factorVecs, rowVecs }) => {
    for (let k = begin; k < end; k++) {
      const { user, item } = ratings[k];
      const z = scoreRows(score, [users, items], [user * rowVecs, item * rowVecs], factorVecs, hasBias);
      yHat[k] = ifFinite(z, range.value(z));
    }
  };
