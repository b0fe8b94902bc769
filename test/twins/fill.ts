import type { fill as kernel } from '../../shaders/batches/fill.wgsl.js';
import { CHUNK, NO_CHUNK } from '../../shaders/ops/structs.js';
import type { Twin } from './twin.js';

/** Twin of shaders/batches/fill.wgsl.ts. */
export const fill: Twin<typeof kernel> = (buffers, { batchSize, copyWords, nUsers, nItems, nSteps }) => {
  const { sorted, copies, touches, members, chunks } = buffers;
  const copyAt = (row: number, step: number) => (copies[row * copyWords + Math.floor(step / 32)] >>> (step % 32)) & 1;
  const isTouched = (row: number, step: number) => copyAt(row, step) !== copyAt(row, step + 1);
  const nSlots = [Math.min(batchSize, nUsers), Math.min(batchSize, nItems)];
  const nBlocks = Math.ceil(batchSize / CHUNK);
  for (let slot = 0; slot < nSteps * (nSlots[0] + nSlots[1]); slot++) touches[slot] = { row: 0, begin: 0, end: 0, idleEnd: 0 };
  chunks.fill(NO_CHUNK, 0, 4 * nSteps * nBlocks);
  for (let segment = 0; segment < 2 * nSteps; segment++) {
    const step = Math.floor(segment / 2);
    const side = segment % 2;
    const segmentBegin = segment * batchSize;
    const firstSlot = step * (nSlots[0] + nSlots[1]) + side * nSlots[0];
    const slotPerRow = nSlots[side] === [nUsers, nItems][side];
    for (let begin = segmentBegin, end; begin < segmentBegin + batchSize; begin = end) {
      const { row } = sorted[begin];
      for (end = begin; end < segmentBegin + batchSize && sorted[end].row === row; end++) {
        const { other, y } = sorted[end];
        members[end] = { row: 2 * other + copyAt(other, step), y };
      }
      let idleEnd = step + 1;
      while (idleEnd < nSteps && !isTouched(row, idleEnd)) idleEnd++;
      const slot = firstSlot + (slotPerRow ? row - side * nUsers : begin - segmentBegin);
      touches[slot] = { row: 2 * row + copyAt(row, step), begin, end, idleEnd };
      for (let i = begin; end - begin > CHUNK && i < end; i += CHUNK) {
        chunks[2 * (segment * nBlocks + Math.floor((i - segmentBegin) / CHUNK)) + (i === begin ? 1 : 0)] = slot;
      }
    }
  }
};
