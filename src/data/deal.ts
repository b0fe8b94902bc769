/** How the rows of a side are dealt to blocks, so that each block has about equally many ratings. */
import { groupBy } from '../base/group-by.js';

/** Rows of a side dealt to blocks, in which they keep their order. */
export interface Deal {
  readonly nBlocks: number;
  /** The block of each row, and its place there. */
  readonly block: Uint16Array;
  readonly place: Uint32Array;
  /** All rows, block after block and ascending in each: those of block b are rows[start[b]] to rows[start[b + 1] - 1]. */
  readonly rows: Uint32Array;
  readonly start: Uint32Array;
}

/** Rows of each block. */
export const blockSizes = ({ start }: Deal): number[] => Array.from(start.subarray(1), (end, block) => end - start[block]);

/**
 * Deals users: by falling number of ratings (equal ones by row), each to the block that has the fewest ratings so far, of these to
 * the one with the fewest rows, of these to the first (longest processing time first, Graham 1969). A user without ratings goes to
 * the block with the fewest rows. Blocks differ little in ratings, however many the keenest users have; their rows may differ.
 *
 * @param counts training ratings of each row
 */
export function dealUsers(counts: Uint32Array, nBlocks: number): Deal {
  const block = new Uint16Array(counts.length);
  const ratings = new Float64Array(nBlocks);
  const rows = new Uint32Array(nBlocks);
  for (const row of byFallingCount(counts)) {
    const count = counts[row];
    let best = 0;
    for (let b = 1; b < nBlocks; b++) {
      if (count > 0 && ratings[b] !== ratings[best]) {
        if (ratings[b] < ratings[best]) best = b;
      } else if (rows[b] < rows[best]) best = b;
    }
    block[row] = best;
    ratings[best] += count;
    rows[best]++;
  }
  return dealOf(block, nBlocks);
}

/**
 * Deals items to and fro: by falling number of ratings (equal ones by row) to the blocks 0 to n - 1, then n - 1 to 0, and so on, so
 * that the rows of two blocks differ by one at most: items move between parts, each block into the place of another.
 *
 * @param counts training ratings of each row
 */
export function dealItems(counts: Uint32Array, nBlocks: number): Deal {
  const block = new Uint16Array(counts.length);
  byFallingCount(counts).forEach((row, k) => {
    const place = k % (2 * nBlocks);
    block[row] = Math.min(place, 2 * nBlocks - 1 - place);
  });
  return dealOf(block, nBlocks);
}

/** Consecutive rows, equally many in each block but for one. */
export function dealEvenly(nRows: number, nBlocks: number): Deal {
  return dealOf(
    Uint16Array.from({ length: nRows }, (_, row) => Math.floor((row * nBlocks) / nRows)),
    nBlocks,
  );
}

/** Rows of which the block is known. */
export function dealOf(block: Uint16Array, nBlocks: number): Deal {
  const { start, order: rows } = groupBy(block, nBlocks);
  const place = new Uint32Array(block.length);
  rows.forEach((row, k) => (place[row] = k - start[block[row]]));
  return { nBlocks, block, place, rows, start };
}

/** Rows by falling count, equal ones ascending. */
function byFallingCount(counts: Uint32Array): Uint32Array {
  const most = counts.reduce((largest, count) => Math.max(largest, count), 0);
  return groupBy(
    counts.map((count) => most - count),
    most + 1,
  ).order;
}
