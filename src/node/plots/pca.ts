import type { Id } from '../../data/collab-data.js';
import type { CollabModel } from '../../answer/collab-model.js';
import { checkCount, namedItem } from '../../answer/recommend.js';
import { readSide } from '../../model/rows.js';

/** Items in the directions in which their vectors differ most. */
export interface ItemPca {
  /** Ids of all items but `#na#`, in the order of the table. */
  readonly items: readonly Id[];
  /** coordinates[c][k]: item k along component c, about a mean of 0. */
  readonly coordinates: readonly Float64Array[];
  /** directions[c]: unit vector of component c, [nFactors]. Its entry of largest size is positive. */
  readonly directions: readonly Float64Array[];
  /** Variance along each component, and its share of the variance of all nFactors. */
  readonly variance: Float64Array;
  readonly explainedVariance: Float64Array;
}

/** An item on the map of the first two components. */
export interface MapPoint {
  item: Id;
  title?: string;
  x: number;
  y: number;
  /** Ratings in training. */
  nRatings: number;
}

/**
 * Principal components of the item vectors (centred, not scaled), those of largest variance first. Signs, which the
 * mathematics leaves open, are fixed so that results repeat: see `directions`.
 *
 * @throws RangeError unless nComponents is a whole number from 1 to nFactors, and for fewer than 2 items
 */
export async function itemPca(model: CollabModel, nComponents = 2): Promise<ItemPca> {
  const { nItems, nFactors } = model.embeddings.shape;
  checkCount(nComponents, 'nComponents');
  if (nComponents > nFactors) throw new RangeError(`nComponents is ${nComponents}, but item vectors have only ${nFactors} factors.`);
  if (nItems < 3) throw new RangeError('Principal components need at least 2 items.');
  const { factors } = await readSide(model.embeddings, 'item');
  const rows = Array.from({ length: nItems - 1 }, (_, k) => Array.from(factors.subarray((k + 1) * nFactors, (k + 2) * nFactors)));
  const { mean, covariance } = momentsOf(rows, nFactors);
  const { PCA } = await import('ml-pca');
  const pca = new PCA(covariance, { isCovarianceMatrix: true });
  const eigenvectors = pca.getEigenvectors();
  const directions = Array.from({ length: nComponents }, (_, c) => fixSign(Float64Array.from(eigenvectors.getColumn(c))));
  const along = (row: readonly number[], direction: Float64Array) =>
    direction.reduce((sum, weight, f) => sum + weight * (row[f] - mean[f]), 0);
  return {
    items: model.info.items.ids.slice(1),
    coordinates: directions.map((direction) => Float64Array.from(rows, (row) => along(row, direction))),
    directions,
    variance: Float64Array.from(pca.getEigenvalues().slice(0, nComponents)),
    explainedVariance: Float64Array.from(pca.getExplainedVariance().slice(0, nComponents)),
  };
}

/**
 * The `count` most rated items on a map of taste: the first two components of `itemPca`.
 *
 * @throws TypeError if the model does not know its training ratings; otherwise as `itemPca`
 */
export async function itemMap(model: CollabModel, count = 50): Promise<MapPoint[]> {
  checkCount(count, 'count');
  const { train } = model.info;
  if (train === undefined)
    throw new TypeError('This model does not know how often its items were rated in training, so it cannot say which to show.');
  const {
    items,
    coordinates: [x, y],
  } = await itemPca(model, 2);
  const nRatings = new Uint32Array(items.length + 1);
  for (const row of train.items) nRatings[row]++;
  return items
    .map((_, k) => ({ ...namedItem(model, k + 1), x: x[k], y: y[k], nRatings: nRatings[k + 1] }))
    .sort((a, b) => b.nRatings - a.nRatings)
    .slice(0, count);
}

function momentsOf(rows: readonly (readonly number[])[], n: number): { mean: number[]; covariance: number[][] } {
  const mean = Array.from({ length: n }, (_, f) => rows.reduce((sum, row) => sum + row[f], 0) / rows.length);
  const covariance = Array.from({ length: n }, () => Array.from({ length: n }, () => 0));
  for (const row of rows) {
    for (let i = 0; i < n; i++) {
      const a = row[i] - mean[i];
      for (let j = 0; j <= i; j++) covariance[i][j] += a * (row[j] - mean[j]);
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) covariance[j][i] = covariance[i][j] /= rows.length - 1;
  return { mean, covariance };
}

/** Turns a direction so that its entry of largest size (the first of equals) is positive. */
function fixSign(direction: Float64Array): Float64Array {
  const largest = direction.reduce((best, value, f) => (Math.abs(value) > Math.abs(direction[best]) ? f : best), 0);
  return direction[largest] < 0 ? direction.map((value) => -value) : direction;
}
