/** Where predictions are wrong, and by how much: errors by their size, and by how often an item or a user was rated. */
import { checkOptions, checkPositive, show } from '../base/check.js';
import type { RatingPredictions } from './valid-predictions.js';

/** A histogram of residuals, rating - prediction: above 0 where the model expected too little. */
export interface Residuals {
  /** Bin k holds the residuals from edges[k] to below edges[k + 1], [nBins + 1]; the edges are multiples of the width. */
  edges: number[];
  /** [nBins] */
  counts: number[];
  /** How many residuals there are. */
  n: number;
  mean: number;
  /** Standard deviation about the mean, over n. */
  sd: number;
}

/** How residuals are counted. */
export interface ResidualOptions {
  /** Width of a bin. Default: of 1, 2 and 5 times the powers of ten, the least with which about 40 bins suffice. */
  binWidth?: number | undefined;
}

/**
 * Counts residuals, rating - prediction, in bins of equal width.
 *
 * @throws RangeError if there are no ratings, the columns differ in length, a number is not finite, or binWidth is not positive or
 *   would make more than 10,000 bins
 */
export function residuals(predicted: RatingPredictions, options: ResidualOptions = {}): Residuals {
  checkOptions('residuals', options, ['binWidth']);
  const values = residualsOf(predicted);
  const n = values.length;
  let [low, high, sum] = [Infinity, -Infinity, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
  }
  const mean = sum / n;
  const sd = Math.sqrt(values.reduce((squares, value) => squares + (value - mean) ** 2, 0) / n);
  const size = Math.max(Math.abs(low), Math.abs(high));
  const { binWidth: width = niceWidth(Math.max(low === high ? 1 : (high - low) / 40, size / 1e9)) } = options;
  checkPositive('binWidth', width);
  if ((high - low) / width > 10_000 || size / width > 1e10) {
    throw new RangeError(`binWidth ${width} is too small for residuals from ${low} to ${high}: 10,000 bins are the most.`);
  }
  const first = binOf(low, width);
  const nBins = binOf(high, width) + 1 - first;
  const edges = Array.from({ length: nBins + 1 }, (_, k) => multiple(first + k, width));
  const counts: number[] = Array(nBins).fill(0);
  for (const value of values) counts[binOf(value, width) - first]++;
  return { edges, counts, n, mean, sd };
}

/** k such that the value lies from k times the width to below the next multiple, as `multiple` has them. */
function binOf(value: number, width: number): number {
  let k = Math.floor(value / width);
  while (value < multiple(k, width)) k--; // a quotient that was rounded across an edge
  while (value >= multiple(k + 1, width)) k++;
  return k;
}

/** The errors of the predictions whose item, or user, has from `from` to `to` training ratings. */
export interface CountBin {
  from: number;
  /** Inclusive. */
  to: number;
  /** Number of predictions. */
  n: number;
  rmse: number;
  /**
   * Standard error of `rmse`, by the spread of the squared errors: sqrt(variance of the squares / n) / (2 rmse). 0 for one
   * prediction or errors that are all alike, of which nothing can be said.
   */
  standardError: number;
  mae: number;
  /** Mean of rating - prediction. */
  meanResidual: number;
}

/**
 * Errors by the number of training ratings of the item (or the user), in bins of 0, 1, 2-3, 4-7, ... ratings; those without a
 * prediction are left out.
 *
 * @param counts number of training ratings of each prediction's item (or user), whole numbers, [n]
 * @throws RangeError as `residuals`, and for a count that is no whole number
 */
export function errorByCount(predicted: RatingPredictions, counts: ArrayLike<number>): CountBin[] {
  const values = residualsOf(predicted);
  if (counts.length !== values.length) throw new RangeError(`There are ${values.length} ratings, but ${counts.length} counts.`);
  const groups = new Map<number, number[]>();
  values.forEach((value, k) => {
    const count = counts[k];
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`counts[${k}] must be a whole number, not ${show(count)}.`);
    const from = count === 0 ? 0 : 2 ** Math.floor(Math.log2(count));
    const group = groups.get(from);
    if (group) group.push(value);
    else groups.set(from, [value]);
  });
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([from, errors]) => {
      const mean = (f: (error: number) => number) => errors.reduce((sum, error) => sum + f(error), 0) / errors.length;
      const mse = mean((error) => error ** 2);
      const rmse = Math.sqrt(mse);
      const spread = Math.sqrt(mean((error) => (error ** 2 - mse) ** 2) / errors.length);
      return {
        from,
        to: from === 0 ? 0 : 2 * from - 1,
        n: errors.length,
        rmse,
        standardError: rmse === 0 ? 0 : spread / (2 * rmse),
        mae: mean(Math.abs),
        meanResidual: mean((error) => error),
      };
    });
}

function residualsOf({ ratings, predictions }: RatingPredictions): Float64Array {
  const n = ratings.length;
  if (predictions.length !== n) throw new RangeError(`There are ${n} ratings, but ${predictions.length} predictions.`);
  if (n === 0) throw new RangeError('There are no ratings to compare with predictions.');
  const values = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    values[k] = ratings[k] - predictions[k];
    if (!Number.isFinite(values[k])) {
      throw new RangeError(`Rating ${k} is ${show(ratings[k])} and its prediction ${show(predictions[k])}; both must be finite numbers.`);
    }
  }
  return values;
}

/** The least of 1, 2 and 5 times the powers of ten that is no less than `width`. */
function niceWidth(width: number): number {
  const exponent = Math.floor(Math.log10(width));
  const factor = [1, 2, 5, 10].find((each) => multiple(each, power(exponent)) >= width)!;
  return multiple(factor, power(exponent));
}

const power = (exponent: number) => Number(`1e${exponent}`);

/** k times `width`, without the rounding that makes 0.30000000000000004 of 3 times 0.1. */
const multiple = (k: number, width: number) => Number((k * width).toPrecision(12));
