import type { copies as kernel } from '../../shaders/batches/copies.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/batches/copies.wgsl.ts. */
export const copies: Twin<typeof kernel> = ({ copies: words, entries }, { nRows, copyWords, nSteps }) => {
  for (let row = 0; row < nRows; row++) {
    let first = nSteps;
    let copy = 0;
    for (let step = 32 * copyWords - 1; step >= 0; step--) {
      const at = row * copyWords + Math.floor(step / 32);
      if ((words[at] >>> (step % 32)) & 1) {
        first = step;
        copy = 1 - copy;
      }
      words[at] = (words[at] & ~(1 << (step % 32))) | (copy << (step % 32));
    }
    entries[row] = 2 * first + copy;
  }
};
