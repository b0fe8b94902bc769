import type { ScoreOp } from '../../shaders/ops/score.js';
import type { scores as kernel } from '../../shaders/train/unfused/scores.wgsl.js';
import { factorsAt, type ScoreSum, sumStride } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/unfused/scores.wgsl.ts. Most scores are their sum. */
export const scores =
  (score: ScoreOp, hasBias: boolean, sumOf: ScoreSum = score.value): Twin<ReturnType<typeof kernel>> =>
  ({ users, items, sums, z }, { nRatings, factorVecs, rowVecs }) => {
    for (let k = 0; k < nRatings; k++) {
      const row = k * rowVecs;
      const bias = 4 * (row + factorVecs);
      const [user, item] = [users, items].map((rows) => factorsAt(rows, row, factorVecs));
      sums.set([sumOf(user, item)].flat(), k * sumStride(score));
      z[k] = score.value(user, item) + (hasBias ? users[bias] + items[bias] : 0);
    }
  };
