import type { RangeOp } from '../../shaders/ops/range.js';
import type { applyRange as kernel } from '../../shaders/train/unfused/apply-range.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/unfused/apply-range.wgsl.ts. */
export const applyRange =
  (range: RangeOp): Twin<ReturnType<typeof kernel>> =>
  ({ z, yHat }, { nRatings }) => {
    for (let k = 0; k < nRatings; k++) yHat[k] = range.value(z[k]);
  };
