import { CHUNK, NO_CHUNK } from '../../shaders/ops/structs.js';
import type { lazyPartials as kernel } from '../../shaders/train/lazy-partials.wgsl.js';
import type { LazyVariant } from '../../shaders/train/lazy-rows.js';
import { rowGradient, rowsOf } from './lazy-rows.js';
import type { Twin } from './twin.js';

/** Twin of shaders/train/lazy-partials.wgsl.ts, for the same variants. */
export const lazyPartials =
  (variant: LazyVariant): Twin<ReturnType<typeof kernel>> =>
  (buffers, { step, nRows, nUsers, lossScale, slotsPerSide }) => {
    const { chunks, touches, members, partials, steps } = buffers;
    const rows = rowsOf(variant, buffers, nRows);
    const width = 4 * (variant.factorVecs + 1);
    for (let slot = 0; slot < 2 * slotsPerSide; slot++) {
      const t = chunks[2 * slotsPerSide * step + slot];
      if (t === NO_CHUNK) continue;
      const { row, begin, end } = touches[t];
      const side = Math.floor(slot / slotsPerSide);
      const half = (steps[step + 1].firstMember - steps[step].firstMember) / 2;
      const place = begin - steps[step].firstMember - side * half;
      const first = begin + CHUNK * (Math.floor((slot % slotsPerSide) / 2) - Math.floor(place / CHUNK));
      const ofChunk = members.slice(first, Math.min(first + CHUNK, end));
      const isItem = row >> 1 >= nUsers;
      const { grad, loss } = rowGradient(variant, rows, rows.read(row), isItem, ofChunk, lossScale);
      partials.set([...grad.subarray(0, width - 4), grad[width - 4], loss, 0, 0], slot * width);
    }
  };
