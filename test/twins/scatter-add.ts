import type { ScoreOp } from '../../shaders/ops/score.js';
import type { scatterAdd as kernel } from '../../shaders/train/scatter-add.wgsl.js';
import { factorsAt } from './score.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/scatter-add.wgsl.ts. */
export const scatterAdd =
  (score: ScoreOp): Twin<ReturnType<typeof kernel>> =>
  ({ ratings, touches, members, param, outcomes, grad }, { factorVecs, rowVecs, firstTouch, nTouches }) => {
    for (const { row, begin, end, isItem } of touches.slice(firstTouch, firstTouch + nTouches)) {
      const at = 4 * row * rowVecs;
      grad.fill(0, at, at + 4 * rowVecs);
      for (let j = begin; j < end; j++) {
        const { user, item } = ratings[members[j]];
        const { dz } = outcomes[members[j]];
        const sides = score.grad(factorsAt(param, user * rowVecs, factorVecs), factorsAt(param, item * rowVecs, factorVecs));
        for (let f = 0; f < 4 * factorVecs; f++) grad[at + f] += dz * sides[isItem][f];
        if (rowVecs > factorVecs) grad[at + 4 * factorVecs] += dz;
      }
    }
  };
