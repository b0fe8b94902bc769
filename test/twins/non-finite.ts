import type { nonFinite as kernel } from '../../shaders/train/non-finite.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/non-finite.wgsl.ts. */
export const nonFinite: Twin<typeof kernel> = ({ values, found }, { nVecs }) => {
  if (values.subarray(0, 4 * nVecs).some((value) => !Number.isFinite(value))) found[0] = 1;
};
