import { checkWhole } from '../base/check.js';
import { type Id, type IdMap, titleOf } from './ids.js';
import type { Ratings } from './ratings.js';

/** An item with what its training ratings say of it. */
export interface PopularItem {
  item: Id;
  title?: string | undefined;
  /** Number of its ratings. */
  count: number;
  /** Their mean and their standard deviation (that of the ratings themselves: 0 for one rating). */
  mean: number;
  sd: number;
}

/** The n items with the most ratings, the most rated first; equally many by table row. @throws RangeError unless n is at least 1 */
export function popularItems(train: Ratings, items: IdMap, titles: ReadonlyMap<Id, string> | undefined, n: number): PopularItem[] {
  checkWhole('n', n);
  const counts = new Uint32Array(items.size);
  const means = new Float64Array(items.size);
  const squares = new Float64Array(items.size);
  for (let k = 0; k < train.ratings.length; k++) {
    // Welford (1962): means stay exact where all ratings are alike, and squares above 0.
    const item = train.items[k];
    const difference = train.ratings[k] - means[item];
    means[item] += difference / ++counts[item];
    squares[item] += difference * (train.ratings[k] - means[item]);
  }
  return Array.from({ length: items.size }, (_, row) => row)
    .slice(1)
    .sort((a, b) => counts[b] - counts[a] || a - b)
    .slice(0, n)
    .map((row) => {
      const item = items.idOf(row);
      const title = titleOf(titles, item);
      const [count, mean, sd] = [counts[row], means[row], Math.sqrt(squares[row] / counts[row])];
      return { item, ...(title !== undefined && { title }), count, mean, sd };
    });
}
