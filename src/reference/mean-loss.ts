import type { meanLoss as kernel } from '../../shaders/mean-loss.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/mean-loss.wgsl.ts. */
export const meanLoss: Twin<typeof kernel> = ({ losses, meanLosses }, { batchSize, nSteps }) => {
  for (let step = 0; step < nSteps; step++) {
    let sum = 0;
    for (let k = 0; k < batchSize; k++) sum += losses[step * batchSize + k];
    meanLosses[step] = sum / batchSize;
  }
};
