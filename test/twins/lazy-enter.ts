import type { lazyEnter as kernel } from '../../shaders/train/lazy-enter.wgsl.js';
import type { LazyVariant } from '../../shaders/train/lazy-rows.js';
import { advance, rowsOf } from './lazy-rows.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/lazy-enter.wgsl.ts, for the same variants. */
export const lazyEnter =
  (variant: LazyVariant): Twin<ReturnType<typeof kernel>> =>
  ({ entries, ...buffers }, { nRows, replayEnd, ...values }) => {
    for (let row = 0; row < nRows; row++) {
      const rows = rowsOf(variant, buffers, nRows);
      const own = rows.read(2 * row);
      const moved = advance(variant, buffers, own, row, [0, entries[row] >> 1, replayEnd], values, (state) => state);
      if (entries[row] > 0) rows.write(2 * row + (entries[row] & 1), moved);
    }
  };
