import { checkWhole } from '../base/check.js';
import { countBy } from '../base/group-by.js';
import type { Id } from '../data/ids.js';
import { type Components, itemPca, project } from './pca.js';
import { namedItem, type TrainedModel } from './trained-model.js';

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

/** One axis of a map, named by the points at its ends. */
export interface MapAxis {
  /** Up to 3 points of the map with the lowest coordinates, the outermost first. */
  low: MapPoint[];
  /** Up to 3 with the highest, none of which is among the lowest. */
  high: MapPoint[];
  /** Share of this component in the variance of the vectors of all items. */
  explainedVariance: number;
}

/** A map of taste. Its fields are plain data, which `structuredClone` and `postMessage` copy; `project` takes such a copy. */
export class ItemMap implements Components {
  /** The most rated first. */
  readonly points: readonly MapPoint[];
  /** x and y. */
  readonly axes: readonly [x: MapAxis, y: MapAxis];
  /** As in `ItemPca`. */
  readonly mean: Float64Array;
  /** The first two components, as in `ItemPca`. */
  readonly directions: readonly Float64Array[];

  constructor(fields: Omit<ItemMap, 'project'>) {
    ({ points: this.points, axes: this.axes, mean: this.mean, directions: this.directions } = fields);
  }

  /** Where any vector lies on the map, such as a folded-in user's; see `project`. */
  project(vector: ArrayLike<number>): [x: number, y: number] {
    return project(this, vector) as [number, number];
  }
}

/**
 * The `count` most rated items, most rated first, on a map of taste: the first two components of `itemPca`, which are those of
 * all items.
 *
 * @param count at least 1. Default 50
 * @throws TypeError if the model does not know its training ratings, RangeError for another count; otherwise as `itemPca`
 */
export async function itemMap(model: TrainedModel, count = 50): Promise<ItemMap> {
  checkWhole('count', count);
  const { train } = model.info;
  if (train === undefined) {
    throw new TypeError('This model does not know its training ratings, so it cannot tell which items were rated most.');
  }
  const {
    items,
    coordinates: [xs, ys],
    explainedVariance,
    mean,
    directions,
  } = await itemPca(model, 2);
  const nRatings = countBy(train.items, items.length + 1);
  const points = items
    .map((_, k) => ({ ...namedItem(model, k + 1), x: xs[k], y: ys[k], nRatings: nRatings[k + 1] }))
    .sort((a, b) => b.nRatings - a.nRatings)
    .slice(0, count);
  const axis = (key: 'x' | 'y', component: number): MapAxis => {
    const ordered = points.slice().sort((a, b) => a[key] - b[key]);
    const n = Math.min(3, Math.floor(ordered.length / 2));
    return { low: ordered.slice(0, n), high: ordered.reverse().slice(0, n), explainedVariance: explainedVariance[component] };
  };
  return new ItemMap({ points, axes: [axis('x', 0), axis('y', 1)], mean, directions });
}
