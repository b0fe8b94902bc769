import type { rank as kernel } from '../../shaders/batches/rank.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/batches/rank.wgsl.ts: sorting in JavaScript keeps the order of equals. */
export const rank: Twin<typeof kernel> = ({ unsorted, sorted }, { batchSize, nSegments }) => {
  for (let begin = 0; begin < nSegments * batchSize; begin += batchSize) {
    const segment = unsorted.slice(begin, begin + batchSize).sort((a, b) => a.row - b.row);
    segment.forEach((rating, i) => (sorted[begin + i] = { ...rating }));
  }
};
