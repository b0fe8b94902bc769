import type { RangeOp } from '../../shaders/ops/range.js';
import type { predict as kernel } from '../../shaders/answer/predict.wgsl.js';
import { scoreRows } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/predict.wgsl.ts. */
export const predict =
  (range: RangeOp, bias: boolean): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, param, yHat }, { nPairs, factorVecs, rowVecs }) => {
    for (let k = 0; k < nPairs; k++) {
      yHat[k] = range.value(scoreRows(param, ratings[k].user * rowVecs, ratings[k].item * rowVecs, factorVecs, bias));
    }
  };
