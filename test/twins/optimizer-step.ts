import type { OptimizerOp } from '../../shaders/ops/optimizer.js';
import type { optimizerStep as kernel } from '../../shaders/train/optimizer-step.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/optimizer-step.wgsl.ts. */
export const optimizerStep =
  (optimizer: OptimizerOp): Twin<ReturnType<typeof kernel>> =>
  ({ rates, grad, param, ...state }, { nVecs, rowVecs, factorVecs, wd, wdBias, step }) => {
    const { m = new Float64Array(param.length), v = new Float64Array(param.length) } = state as { m?: Float64Array; v?: Float64Array };
    const rate = rates[step] as Readonly<Record<string, number>>;
    for (let i = 0; i < 4 * nVecs; i++) {
      const decay = Math.floor(i / 4) % rowVecs === factorVecs ? wdBias : wd;
      [param[i], m[i], v[i]] = optimizer.update(param[i], m[i], v[i], grad[i], rate, decay);
      grad[i] = 0;
    }
  };
