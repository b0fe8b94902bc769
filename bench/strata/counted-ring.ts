import type { Ring } from '../../src/base/ring.js';

/** A ring that counts what its rank sends: to the rank before it, and to all others together. */
export function countedRing(ring: Ring): { ring: Ring; sent: { shifted: number; told: number } } {
  const sent = { shifted: 0, told: 0 };
  return {
    sent,
    ring: {
      ...ring,
      shift: (send, receive) => ((sent.shifted += send.length), ring.shift(send, receive)),
      gather: (part) => ((sent.told += part.length * (ring.size - 1)), ring.gather(part)),
    },
  };
}

/** Bytes of items that each rank sends in an epoch, at least: all rows, with their state, in each pass and in one more of validation. */
export const sentBytes = (passes: number, nItems: number, rowStride: number, nState = 2): number =>
  (passes + 1) * nItems * rowStride * 4 * (1 + nState);
