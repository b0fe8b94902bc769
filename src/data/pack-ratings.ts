import type { StructArray } from '../gpu/struct.js';
import { Rating } from '../../shaders/ops/structs.js';

/** Ratings, or pairs that have none, by row of the user table and of the item table. */
export interface RatingRows {
  users: ArrayLike<number>;
  items: ArrayLike<number>;
  ratings?: ArrayLike<number> | undefined;
}

/**
 * Writes `n` ratings as kernels read them, with rows counted over both tables: item rows come after the `nUsers` user rows.
 *
 * @param order which ratings to take: those at order[first], order[first + 1] and so on. Default: those from `first` on
 */
export function packRatings(
  out: StructArray<(typeof Rating)['fields']>,
  { users, items, ratings }: RatingRows,
  nUsers: number,
  n: number,
  first = 0,
  order?: Uint32Array,
): void {
  const { words, floats } = out;
  const { user, item, y } = Rating.at;
  const { size } = Rating;
  for (let k = 0, at = 0; k < n; k++, at += size) {
    const row = order === undefined ? first + k : order[first + k];
    words[at + user] = users[row];
    words[at + item] = nUsers + items[row];
    if (ratings !== undefined) floats[at + y] = ratings[row];
  }
}
