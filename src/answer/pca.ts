/** Principal components of the item vectors: the directions of taste in which items differ most. */
import { checkWhole, show } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import { type Id, titleOf } from '../data/ids.js';
import { readSide } from '../model/rows.js';
import { NOT_FINITE, type TrainedModel } from './trained-model.js';

/** What `project` needs of components. */
export interface Components {
  /** Mean of the item vectors, [nFactors]. */
  readonly mean: Float64Array;
  /** directions[c]: unit vector of component c, [nComponents][nFactors]. */
  readonly directions: readonly Float64Array[];
}

/** An item at one end of a component. */
export interface EndItem {
  item: Id;
  /** Undefined if no title is known. */
  title?: string | undefined;
  /** Its coordinate along the component. */
  coordinate: number;
}

/**
 * The item vectors along the directions in which they differ most. Its fields are plain data, which `structuredClone` and
 * `postMessage` copy; `project` takes such a copy.
 */
export class ItemPca implements Components {
  /** Ids of all items but `#na#`, in the order of the item table, [nItems]. */
  readonly items: readonly Id[];
  /** Item titles by item id, where they are known. */
  readonly titles: ReadonlyMap<Id, string> | undefined;
  /** Mean of the item vectors, [nFactors]. */
  readonly mean: Float64Array;
  /** directions[c]: unit vector of component c, [nComponents][nFactors]. */
  readonly directions: readonly Float64Array[];
  /** coordinates[c][k]: item k along component c, [nComponents][nItems]; the mean over the items is 0. */
  readonly coordinates: readonly Float64Array[];
  /** Sample variance along each component, largest first, [nComponents]. */
  readonly variance: Float64Array;
  /** Share of each component in the variance along all nFactors directions, [nComponents]; 0 if there is no variance. */
  readonly explainedVariance: Float64Array;

  constructor(fields: Omit<ItemPca, 'project' | 'ends'>) {
    ({
      items: this.items,
      titles: this.titles,
      mean: this.mean,
      directions: this.directions,
      coordinates: this.coordinates,
      variance: this.variance,
      explainedVariance: this.explainedVariance,
    } = fields);
  }

  /** Coordinates of any vector on the same components, such as a folded-in user's; see `project`. */
  project(vector: ArrayLike<number>): number[] {
    return project(this, vector);
  }

  /**
   * The n items at each end of a component, the outermost first: what its two directions mean. Equal ones by table row.
   *
   * @param component from 0 to nComponents - 1
   * @param n at least 1. Default 5
   * @throws RangeError for another component or n
   */
  ends(component: number, n = 5): { low: EndItem[]; high: EndItem[] } {
    checkWhole('component', component, 0, this.coordinates.length - 1);
    checkWhole('n', n);
    const values = this.coordinates[component];
    const order = Array.from(values, (_, k) => k).sort((a, b) => values[a] - values[b] || a - b);
    const named = (k: number): EndItem => {
      const title = titleOf(this.titles, this.items[k]);
      return { item: this.items[k], ...(title !== undefined && { title }), coordinate: values[k] };
    };
    const high = order.slice().sort((a, b) => values[b] - values[a] || a - b);
    return { low: order.slice(0, n).map(named), high: high.slice(0, n).map(named) };
  }
}

/**
 * Coordinates of a vector along components: (vector - mean) . direction for each direction, [nComponents]. An item's vector
 * comes out at the item's own coordinates.
 *
 * @param vector [nFactors], of an item or a user
 * @throws TypeError for what is no array; RangeError for a vector of another length or with a number that is not finite
 */
export function project({ mean, directions }: Components, vector: ArrayLike<number>): number[] {
  if (!Array.isArray(vector) && !ArrayBuffer.isView(vector))
    throw new TypeError(`The vector must be an array of numbers, not ${show(vector)}.`);
  if (vector.length !== mean.length) throw new RangeError(`The vector has ${vector.length} numbers, but the items have ${mean.length}.`);
  for (let f = 0; f < vector.length; f++) {
    if (!Number.isFinite(vector[f])) throw new RangeError(`The vector must hold finite numbers, not ${show(vector[f])} at place ${f}.`);
  }
  return directions.map((direction) => direction.reduce((sum, value, f) => sum + value * (vector[f] - mean[f]), 0));
}

/**
 * Principal components of the item vectors (centred, not scaled), those of largest variance first: the eigenvectors of the
 * covariance matrix.
 *
 * The mathematics leaves the sign of each open. It is chosen so that the items reach farther on the positive side: the sum of the
 * cubes of their coordinates is positive. This depends on what the items are to each other only, and not on the basis of their
 * vectors, which is arbitrary: a model turned or mirrored as a whole, users and items alike, predicts the same. Where that sum is
 * nothing but rounding, the largest entry of the direction, the first of equals, is positive.
 *
 * @param nComponents from 1 to nFactors. Default 2
 * @throws RangeError for another nComponents, or fewer than 2 items; DotbiasError if a vector is not finite
 */
export async function itemPca(model: TrainedModel, nComponents = 2): Promise<ItemPca> {
  const { nItems, nFactors } = model.embeddings.shape;
  checkWhole('nComponents', nComponents);
  if (nComponents > nFactors) throw new RangeError(`nComponents is ${nComponents}, but item vectors have only ${nFactors} factors.`);
  if (nItems < 3) throw new RangeError('Principal components need at least 2 items.');
  const { factors } = await readSide(model.embeddings, 'items');
  const { mean, covariance } = momentsOf(factors.subarray(nFactors), nFactors);
  if (!covariance.every(Number.isFinite)) throw new DotbiasError(`The item vectors have no principal components: ${NOT_FINITE}`);
  const { EigenvalueDecomposition, Matrix } = await import('ml-matrix');
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(Matrix.from1DArray(nFactors, nFactors, covariance), {
    assumeSymmetric: true,
  });
  const variances = realEigenvalues.map((value) => Math.max(0, value)); // below 0 by rounding only
  const order = variances.map((_, c) => c).sort((a, b) => variances[b] - variances[a] || a - b);
  const total = variances.reduce((sum, value) => sum + value, 0);
  const kept = order.slice(0, nComponents);

  const directions: Float64Array[] = [];
  const coordinates: Float64Array[] = [];
  for (const c of kept) {
    const direction = Float64Array.from(eigenvectorMatrix.getColumn(c));
    const along = coordinatesAlong(direction, mean, factors.subarray(nFactors));
    const sign = signOf(direction, along);
    directions.push(direction.map((value) => sign * value));
    coordinates.push(along.map((value) => sign * value));
  }
  const variance = Float64Array.from(kept, (c) => variances[c]);
  return new ItemPca({
    items: model.info.items.ids.slice(1),
    titles: model.info.titles,
    mean,
    directions,
    coordinates,
    variance,
    explainedVariance: variance.map((value) => (total === 0 ? 0 : value / total)),
  });
}

/** Mean, and sample covariance [nFactors, nFactors], of the rows of `vectors` [n, nFactors]. */
function momentsOf(vectors: Float32Array, nFactors: number): { mean: Float64Array; covariance: Float64Array } {
  const n = vectors.length / nFactors;
  const mean = new Float64Array(nFactors);
  for (let i = 0; i < vectors.length; i++) mean[i % nFactors] += vectors[i];
  for (let f = 0; f < nFactors; f++) mean[f] /= n;
  const covariance = new Float64Array(nFactors * nFactors);
  const centred = new Float64Array(nFactors);
  for (let k = 0; k < n; k++) {
    for (let f = 0; f < nFactors; f++) centred[f] = vectors[k * nFactors + f] - mean[f];
    for (let f = 0; f < nFactors; f++) {
      for (let g = f; g < nFactors; g++) covariance[f * nFactors + g] += (centred[f] * centred[g]) / (n - 1);
    }
  }
  for (let f = 0; f < nFactors; f++) {
    for (let g = 0; g < f; g++) covariance[f * nFactors + g] = covariance[g * nFactors + f];
  }
  return { mean, covariance };
}

function coordinatesAlong(direction: Float64Array, mean: Float64Array, vectors: Float32Array): Float64Array {
  const nFactors = direction.length;
  const along = new Float64Array(vectors.length / nFactors);
  for (let k = 0; k < along.length; k++) {
    for (let f = 0; f < nFactors; f++) along[k] += direction[f] * (vectors[k * nFactors + f] - mean[f]);
  }
  return along;
}

/** 1, or -1 for a direction that is to be turned round; see `itemPca`. */
function signOf(direction: Float64Array, along: Float64Array): number {
  let [cubes, sizes] = [0, 0];
  for (const value of along) {
    cubes += value ** 3;
    sizes += Math.abs(value) ** 3;
  }
  if (Math.abs(cubes) > 1e-9 * sizes) return Math.sign(cubes);
  const largest = Math.max(...direction.map(Math.abs));
  return Math.sign(direction.find((value) => Math.abs(value) >= (1 - 1e-9) * largest)!) || 1;
}
