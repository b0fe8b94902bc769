/** Random buffers of kernels, as their twins hold them. Floats are multiples of 2^-24, exact in float32. */
import { RowLayout } from '../../src/model/layout.js';
import { randomSource } from './random.js';
import { randomRatings, randomTables } from './training.js';

const N_USERS = 9;
const N_ITEMS = 13;

/** Rows of both tables, packed. */
export function randomRows(nFactors: number, hasBias: boolean, seed = 1): { layout: RowLayout; param: Float64Array } {
  const layout = new RowLayout({ nUsers: N_USERS, nItems: N_ITEMS, nFactors, hasBias });
  return { layout, param: Float64Array.from(layout.pack(randomTables(layout.shape, seed, 0.5))) };
}

export function randomRatingStructs(n: number, seed = 2): { user: number; item: number; y: number }[] {
  const { users, items, ratings } = randomRatings({ nUsers: N_USERS, nItems: N_ITEMS }, n, seed);
  return Array.from(ratings, (y, k) => ({ user: users[k], item: N_USERS + items[k], y }));
}

/** Values in [lo, hi). */
export function randomFloats(n: number, seed: number, lo = -1, hi = 1): Float64Array {
  const random = randomSource(seed);
  return Float64Array.from({ length: n }, () => Math.fround(lo + (hi - lo) * random()));
}
