import type { ScoreOp } from '../../shaders/ops/score.js';
import type { scores as kernel } from '../../shaders/train/unfused/scores.wgsl.js';
import { factorsAt } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/unfused/scores.wgsl.ts, for scores whose value is their sum. */
export const scores =
  (score: ScoreOp, hasBias: boolean): Twin<ReturnType<typeof kernel>> =>
  ({ users, items, sums, z }, { batchSize, factorVecs, rowVecs }) => {
    for (let k = 0; k < batchSize; k++) {
      const row = k * rowVecs;
      const bias = 4 * (row + factorVecs);
      sums[k] = score.value(factorsAt(users, row, factorVecs), factorsAt(items, row, factorVecs));
      z[k] = sums[k] + (hasBias ? users[bias] + items[bias] : 0);
    }
  };
