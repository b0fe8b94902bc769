import type { Ratings } from './ratings.js';

/** How many ratings each row has, users first, then items. */
export function ratingsPerRow({ users, items }: Ratings, nUsers: number, nRows: number): Uint32Array {
  const counts = new Uint32Array(nRows);
  for (const user of users) counts[user]++;
  for (const item of items) counts[nUsers + item]++;
  return counts;
}
