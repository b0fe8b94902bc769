import type { gatherRows as kernel } from '../../shaders/answer/gather-rows.wgsl.js';
import type { Twin } from './twin.js';

/** Twin of shaders/answer/gather-rows.wgsl.ts. */
export const gatherRows: Twin<typeof kernel> = ({ copies, table, out }, { rowVecs, first, nRows }) => {
  for (const { row, place } of copies.slice(first, first + nRows)) {
    for (let i = 0; i < 4 * rowVecs; i++) out[4 * rowVecs * place + i] = table[4 * rowVecs * row + i];
  }
};
