import type { OptimizerOp } from '../../shaders/ops/adam.js';
import type { optimizerStep as kernel } from '../../shaders/train/optimizer-step.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/optimizer-step.wgsl.ts. */
export const optimizerStep =
  (optimizer: OptimizerOp): Twin<ReturnType<typeof kernel>> =>
  ({ rates, grad, param, m, v }, { nParams, rowStride, biasColumn, wd, wdBias, beta2, eps, step }) => {
    for (let i = 0; i < nParams; i++) {
      const decay = i % rowStride >= biasColumn ? wdBias : wd;
      [param[i], m[i], v[i]] = optimizer.update(param[i], m[i], v[i], grad[i], rates[step], decay, beta2, eps);
      grad[i] = 0;
    }
  };
