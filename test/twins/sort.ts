import {
  type countDigits as countKernel,
  type scanDigits as scanKernel,
  type scatterDigits as scatterKernel,
  TILE,
} from '../../shaders/batches/sort.wgsl.js';
import type { Twin } from './twin.js';

/** The digit of a row of a segment, which holds users if it is even and items if it is odd. */
const digitOf = (row: number, segment: number, nUsers: number, shift: number) => ((row - (segment % 2) * nUsers) >>> shift) % 256;

/** Twins of shaders/batches/sort.wgsl.ts. `nGroups` are all tiles of all segments. */
export const countDigits: Twin<typeof countKernel> = ({ unsorted, digits }, { batchSize, nTiles, nUsers, nGroups, shift }) => {
  for (let segment = 0; segment < nGroups / nTiles; segment++) {
    const first = segment * (nTiles + 1) * TILE;
    digits.fill(0, first, first + nTiles * TILE);
    for (let p = 0; p < batchSize; p++) {
      digits[first + Math.floor(p / TILE) * TILE + digitOf(unsorted[segment * batchSize + p].row, segment, nUsers, shift)]++;
    }
  }
};

export const scanDigits: Twin<typeof scanKernel> = ({ digits }, { nTiles, nGroups }) => {
  for (let segment = 0; segment < nGroups; segment++) {
    const first = segment * (nTiles + 1) * TILE;
    let lower = 0;
    for (let digit = 0; digit < TILE; digit++) {
      let sum = 0;
      for (let tile = 0; tile < nTiles; tile++) {
        const count = digits[first + tile * TILE + digit];
        digits[first + tile * TILE + digit] = sum;
        sum += count;
      }
      digits[first + nTiles * TILE + digit] = lower;
      lower += sum;
    }
  }
};

export const scatterDigits: Twin<typeof scatterKernel> = ({ unsorted, digits, sorted }, { batchSize, nTiles, nUsers, nGroups, shift }) => {
  for (let segment = 0; segment < nGroups / nTiles; segment++) {
    const first = segment * (nTiles + 1) * TILE;
    const seen = new Uint32Array(nTiles * TILE);
    for (let p = 0; p < batchSize; p++) {
      const rating = unsorted[segment * batchSize + p];
      const digit = digitOf(rating.row, segment, nUsers, shift);
      const own = Math.floor(p / TILE) * TILE + digit;
      sorted[segment * batchSize + digits[first + nTiles * TILE + digit] + digits[first + own] + seen[own]++] = { ...rating };
    }
  }
};
