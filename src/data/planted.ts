import { checkOptions, checkSeed, checkWhole } from '../base/check.js';
import { hash32, permutationKey, permute, STREAM } from '../base/random.js';
import type { RatingColumns } from './collab-data.js';

/** Size and seed of a planted set; all optional. */
export interface PlantedOptions {
  /** Number of users. Default 943. */
  nUsers?: number | undefined;
  /** Number of items that exist; the rarest may get no rating. Default 1682. */
  nItems?: number | undefined;
  /** Number of ratings, at most half of all pairs of user and item. Default 100,000. */
  nRatings?: number | undefined;
  /** Whole number in [0, 2^32). Default 42. */
  seed?: number | undefined;
  /** Rank of the planted tastes. Default 2. */
  nFactors?: number | undefined;
}

/** Ratings drawn from a known model, and what that model predicts. */
export interface PlantedRatings {
  /** nRatings ratings from 1 to 5, grouped by user, each pair at most once; ids are numbers from 1. */
  columns: RatingColumns & { users: Uint32Array; items: Uint32Array; ratings: Float32Array };
  /** The best possible prediction of each rating, its mean under the planted model, [nRatings]. */
  expected: Float32Array;
  /**
   * The mean squared error that no model can beat except by chance: the mean over `rows` (default: all) of the variance of
   * a rating under the planted model. `randomSplit(nRatings, validPct, seed).valid` are the rows that `CollabData` keeps for
   * validation. RangeError for a row that does not exist.
   */
  bestMse(rows?: ArrayLike<number>): number;
}

/** `permute` takes no more rows than this. */
const MAX_SIZE = 2 ** 31;

// The shape of MovieLens-100K. Ratings per user and per item at evenly spaced ranks, from the fewest to the most:
const USER_ACTIVITY = [20, 21, 23, 25, 29, 33, 38, 44, 50, 57, 65, 77, 93, 109, 127, 148, 172, 203, 244, 311, 737];
const ITEM_POPULARITY = [1, 1, 2, 3, 4, 6, 9, 12, 16, 21, 27, 34, 43, 53, 65, 80, 100, 129, 169, 230, 583];
// The score has mean 0, and these standard deviations over users, items and tastes, in units of the noise:
const USER_SD = 0.5;
const ITEM_SD = 0.65;
const TASTE_SD = 0.67;
// A rating is 1 plus the number of cut points below the noisy score; these give 6, 11, 27, 35 and 22 per cent of 1 to 5.
const CUTS = [-2.519, -1.401, -0.194, 1.187];

/**
 * A synthetic stand-in for MovieLens-100K with the same shape (skewed activity and popularity, distribution of ratings)
 * and, unlike real ratings, a known best error: 0.753 for the default options. Bits depend on the options alone.
 *
 *     score(u, i) = 0.5 a[u] + 0.65 b[i] + 0.67 / sqrt(nFactors) sum_f p[u, f] q[i, f]     a, b, p, q near-normal, sd 1
 *     P(rating <= k) = F(cut[k] - score),  F(x) = 1/2 + x / (2 sqrt(1 + x^2))
 *
 * F is a scaled Student distribution with 2 degrees of freedom: only + - * / sqrt are needed, which IEEE 754 fixes to
 * the bit. Mean and variance of a rating follow from its five probabilities.
 *
 * @throws RangeError if an option is out of range, or the ratings would fill more than half of the pairs; TypeError for an
 *   option that does not exist
 */
export function plantedRatings(options: PlantedOptions = {}): PlantedRatings {
  checkOptions('plantedRatings', options, ['nUsers', 'nItems', 'nRatings', 'seed', 'nFactors']);
  const { nUsers = 943, nItems = 1682, nRatings = 100_000, seed = 42, nFactors = 2 } = options;
  for (const [name, value] of Object.entries({ nUsers, nItems, nRatings, nFactors })) checkWhole(name, value, 1, MAX_SIZE);
  checkSeed(seed);
  const mostPerUser = Math.floor(nItems / 2);
  if (nRatings > nUsers * mostPerUser) {
    const most = nUsers * mostPerUser;
    throw new RangeError(`nRatings is ${nRatings}, more than half of ${nUsers} x ${nItems} pairs; ask for at most ${most}.`);
  }

  const draw = (part: number): number => hash32(seed, STREAM.PLANTED, part, 0);
  const counts = ratingsPerUser(nUsers, nRatings, mostPerUser, draw(0));
  const drawItem = itemSampler(nItems, draw(1));
  const scale = Math.sqrt(TASTE_SD / Math.sqrt(nFactors)); // so that the sum over f of p q has variance TASTE_SD^2
  const userBias = nearNormals(nUsers, 1, USER_SD, draw(2));
  const itemBias = nearNormals(nItems, 1, ITEM_SD, draw(3));
  const userFactors = nearNormals(nUsers, nFactors, scale, draw(4));
  const itemFactors = nearNormals(nItems, nFactors, scale, draw(5));
  const chooseKey = draw(6);
  const noiseKey = draw(7);

  const users = new Uint32Array(nRatings);
  const items = new Uint32Array(nRatings);
  const ratings = new Float32Array(nRatings);
  const expected = new Float32Array(nRatings);
  const variance = new Float32Array(nRatings);
  const lastUser = new Uint32Array(nItems); // the last user, counted from 1, who rated the item
  let row = 0;
  for (let user = 0; user < nUsers; user++) {
    for (let left = counts[user], attempt = 0; left > 0; attempt++) {
      const item = drawItem(hash32(chooseKey, user, attempt, 0));
      if (lastUser[item] === user + 1) continue;
      lastUser[item] = user + 1;
      let score = userBias[user] + itemBias[item];
      for (let f = 0; f < nFactors; f++) score += userFactors[user * nFactors + f] * itemFactors[item * nFactors + f];

      const place = hash32(noiseKey, user, item, 0) / 4294967296;
      let rating = 1;
      let mean = 5;
      let square = 25;
      for (let k = 1; k <= 4; k++) {
        const x = CUTS[k - 1] - score;
        const atMost = 0.5 + x / (2 * Math.sqrt(1 + x * x)); // P(rating <= k)
        if (place >= atMost) rating = k + 1;
        mean -= atMost;
        square -= (2 * k + 1) * atMost;
      }
      users[row] = user + 1;
      items[row] = item + 1;
      ratings[row] = rating;
      expected[row] = mean;
      variance[row] = square - mean * mean;
      row++;
      left--;
    }
  }

  const bestMse = (rows?: ArrayLike<number>): number => {
    const n = rows?.length ?? nRatings;
    if (n === 0) throw new RangeError('bestMse: there are no rows to average over.');
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const at = rows === undefined ? k : rows[k];
      if (variance[at] === undefined) throw new RangeError(`bestMse: there is no row ${at}; rows are 0 to ${nRatings - 1}.`);
      sum += variance[at];
    }
    return sum / n;
  };
  return { columns: { users, items, ratings }, expected, bestMse };
}

/** Twenty ratings for each user if there are enough, the rest in proportion to `USER_ACTIVITY`, and `most` at most. */
function ratingsPerUser(nUsers: number, nRatings: number, most: number, key: number): Uint32Array {
  const fewest = Math.min(20, Math.floor(nRatings / nUsers));
  const rank = shuffledRanks(nUsers, key);
  const extra = Float64Array.from({ length: nUsers }, (_, user) => quantile(USER_ACTIVITY, rank(user)) - 20);
  const perUnit = (nRatings - fewest * nUsers) / extra.reduce((sum, each) => sum + each, 0);
  const counts = Uint32Array.from(extra, (each) => Math.min(most, fewest + Math.floor(each * perUnit)));
  let left = nRatings - counts.reduce((sum, each) => sum + each, 0);
  for (let user = 0; left > 0; user = (user + 1) % nUsers) {
    if (counts[user] === most) continue;
    counts[user]++;
    left--;
  }
  return counts;
}

/** Turns a u32 into an item, drawn with probabilities in proportion to `ITEM_POPULARITY`. */
function itemSampler(nItems: number, key: number): (u32: number) => number {
  const below = new Float64Array(nItems); // weight of all items up to this one, itself included
  const rank = shuffledRanks(nItems, key);
  let total = 0;
  for (let item = 0; item < nItems; item++) below[item] = total += quantile(ITEM_POPULARITY, rank(item));
  return (u32) => {
    const target = (u32 / 4294967296) * total;
    let low = 0;
    let high = nItems - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (below[middle] > target) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Ranks in (0, 1): the n members are evenly spaced, in an order that the key decides. */
function shuffledRanks(n: number, key: number): (member: number) => number {
  const order = permutationKey(key, STREAM.PLANTED);
  return (member) => (permute(n, order, member) + 0.5) / n;
}

/** Linear interpolation between evenly spaced quantiles. */
function quantile(values: readonly number[], place: number): number {
  const at = place * (values.length - 1);
  const low = Math.floor(at);
  return values[low] + (values[low + 1] - values[low]) * (at - low);
}

/** Values with mean 0: the sum of the four bytes of a draw, whose variance is 4 (256^2 - 1) / 12 = 21845. */
function nearNormals(nRows: number, nColumns: number, sd: number, key: number): Float64Array {
  const values = new Float64Array(nRows * nColumns);
  const unit = sd / Math.sqrt(21845);
  for (let k = 0; k < values.length; k++) {
    const bits = hash32(key, k, 0, 0);
    values[k] = ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510) * unit;
  }
  return values;
}
