/** The work that benches measure: the tutorial's on MovieLens-100K, and sets of other shapes. */
import type { LearnerOptions } from '../src/train/options.js';
import { CollabData, type RatingColumns } from '../src/data/collab-data.js';
import { plantedRatings } from '../src/data/planted.js';
import { openRatings } from '../src/node/ratings/default-data.js';

/** fastai's tutorial: five epochs of the 1-cycle policy up to 0.01. */
export const TUTORIAL = { nFactors: 40, yRange: [0, 5.5], wd: 0.1 } as const satisfies LearnerOptions;
export const EPOCHS = 5;
export const LR_MAX = 0.01;

export interface Workload {
  columns: RatingColumns;
  name: string;
  source: string;
}

/** MovieLens-100K if it is on this machine, else the planted set of the same shape. Nothing is downloaded. */
export async function openWorkload(): Promise<Workload> {
  const { columns, name, source } = await openRatings({ offline: true });
  return { columns, name, source };
}

/** The tutorial's random 90/10 split. */
export function split({ columns, name }: Workload, batchSize: number): CollabData {
  return CollabData.fromArrays(columns, { validPct: 0.1, seed: 42, batchSize, name });
}

interface Shape {
  name: string;
  nUsers: number;
  nItems: number;
  nRatings: number;
}

/** The larger MovieLens sets. */
const SHAPES: readonly Shape[] = [
  { name: 'ML-1M', nUsers: 6040, nItems: 3706, nRatings: 1_000_209 },
  { name: 'ML-10M', nUsers: 69_878, nItems: 10_677, nRatings: 10_000_054 },
  { name: 'ML-25M', nUsers: 162_541, nItems: 59_047, nRatings: 25_000_095 },
];
const ML_100K = 'ml-100k';
export const SET_NAMES: readonly string[] = [ML_100K, ...SHAPES.map(({ name }) => name.toLowerCase())];

/**
 * MovieLens-100K as `openWorkload` finds it, else planted ratings of the set's shape.
 *
 * @param mostRatings of a planted set, whose tables keep their size. Default: as many as the set has
 * @throws RangeError for a set that does not exist
 */
export async function openSet(set: string, mostRatings = Infinity): Promise<Workload> {
  if (set === ML_100K) return openWorkload();
  const shape = SHAPES.find(({ name }) => name.toLowerCase() === set);
  if (!shape) throw new RangeError(`There is no set '${set}'; there are ${SET_NAMES.join(', ')}.`);
  const { name, nUsers, nItems, nRatings } = shape;
  const { columns } = plantedRatings({ nUsers, nItems, nRatings: Math.min(nRatings, mostRatings) });
  return { columns, name: `planted, shape of ${name}`, source: `planted ratings of the shape of ${name}.` };
}

/** The same ratings in other batches; what was counted and encoded is shared. */
export const withBatchSize = (data: CollabData, batchSize: number): CollabData =>
  Object.create(data, { batchSize: { value: batchSize, enumerable: true } }) as CollabData;
