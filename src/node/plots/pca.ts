import { namedItem, type TrainedModel } from '../../answer/trained-model.js';
import { checkWhole } from '../../base/check.js';
import { countBy } from '../../base/group-by.js';
import type { Id } from '../../data/ids.js';
import { readSide } from '../../model/rows.js';

/** The item vectors along the directions in which they differ most. */
export interface ItemPca {
  /** Ids of all items but `#na#`, in the order of the item table, [nItems]. */
  readonly items: readonly Id[];
  /** coordinates[c][k]: item k along component c, [nComponents][nItems]; the mean over the items is 0. */
  readonly coordinates: readonly Float64Array[];
  /** directions[c]: unit vector of component c, [nComponents][nFactors]; its largest entry by size is positive. */
  readonly directions: readonly Float64Array[];
  /** Sample variance along each component, [nComponents]. */
  readonly variance: Float64Array;
  /** Share of each component in the variance along all nFactors directions, [nComponents]. */
  readonly explainedVariance: Float64Array;
}

/** An item on the map of the first two components. */
export interface MapPoint {
  item: Id;
  /** Undefined if no title is known. */
  title?: string | undefined;
  /** Coordinate along the first component. */
  x: number;
  /** Coordinate along the second component. */
  y: number;
  /** Number of training ratings of the item. */
  nRatings: number;
}

/**
 * Principal components of the item vectors (centred, not scaled), those of largest variance first: the eigenvectors of the
 * covariance matrix. Their signs, which the mathematics leaves open, are fixed so that results repeat, see `directions`.
 *
 * @param nComponents from 1 to nFactors. Default 2
 * @throws RangeError for another nComponents, or fewer than 2 items
 */
export async function itemPca(model: TrainedModel, nComponents = 2): Promise<ItemPca> {
  const { nItems, nFactors } = model.embeddings.shape;
  checkWhole('nComponents', nComponents);
  if (nComponents > nFactors) throw new RangeError(`nComponents is ${nComponents}, but item vectors have only ${nFactors} factors.`);
  if (nItems < 3) throw new RangeError('Principal components need at least 2 items.');
  const { factors } = await readSide(model.embeddings, 'item');
  const vectors = Array.from({ length: nItems - 1 }, (_, k) => Array.from(factors.subarray((k + 1) * nFactors, (k + 2) * nFactors)));
  const { PCA } = await import('ml-pca');
  const pca = new PCA(vectors, { method: 'covarianceMatrix' });
  const eigenvectors = pca.getEigenvectors();
  const projected = pca.predict(vectors, { nComponents });
  const signs = Array.from({ length: nComponents }, (_, c) => signOfLargest(eigenvectors.getColumn(c)));
  const signed = (column: (c: number) => number[]) => signs.map((sign, c) => Float64Array.from(column(c), (value) => sign * value));
  return {
    items: model.info.items.ids.slice(1),
    coordinates: signed((c) => projected.getColumn(c)),
    directions: signed((c) => eigenvectors.getColumn(c)),
    variance: Float64Array.from(pca.getEigenvalues().slice(0, nComponents)),
    explainedVariance: Float64Array.from(pca.getExplainedVariance().slice(0, nComponents)),
  };
}

/**
 * The `count` most rated items, most rated first, on a map of taste: the first two components of `itemPca`.
 *
 * @param count at least 1. Default 50
 * @throws TypeError if the model does not know its training ratings, RangeError for another count; otherwise as `itemPca`
 */
export async function itemMap(model: TrainedModel, count = 50): Promise<MapPoint[]> {
  checkWhole('count', count);
  const { train } = model.info;
  if (train === undefined) {
    throw new TypeError('This model does not know its training ratings, so it cannot tell which items were rated most.');
  }
  const {
    items,
    coordinates: [x, y],
  } = await itemPca(model, 2);
  const nRatings = countBy(train.items, items.length + 1);
  return items
    .map((_, k) => ({ ...namedItem(model, k + 1), x: x[k], y: y[k], nRatings: nRatings[k + 1] }))
    .sort((a, b) => b.nRatings - a.nRatings)
    .slice(0, count);
}

/** 1 or -1: the sign of the largest entry by size, of the first of equals. */
function signOfLargest(values: readonly number[]): number {
  const largest = values.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? -1 : 1;
}
