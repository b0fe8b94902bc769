import type { RangeOp } from '../../shaders/ops/sigmoid-range.js';
import type { sigmoidRangeKernel as kernel } from '../../shaders/sigmoid-range.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/sigmoid-range.wgsl.ts. */
export const sigmoidRangeKernel = (range: RangeOp): Twin<ReturnType<typeof kernel>> => ({ z, yHat }, { batchSize }) => {
  for (let k = 0; k < batchSize; k++) yHat[k] = range.value(z[k]);
};
