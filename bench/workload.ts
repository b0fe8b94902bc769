/** The work that benches measure: the tutorial's on MovieLens-100K, and sets of other shapes. */
import type { LearnerOptions } from '../src/train/options.js';
import { CollabData, type RatingColumns } from '../src/data/collab-data.js';
import { openRatings } from '../src/node/ratings/default-data.js';
import { hash32 } from '../src/base/random.js';

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

export interface Shape {
  name: string;
  nUsers: number;
  nItems: number;
  /** Ratings of the whole set, to which an epoch is extrapolated. */
  nRatings: number;
}

/**
 * A sample of ratings with a given shape: every user and item occurs, and the rest are drawn with a popularity that falls as
 * 1 / sqrt(rank), so that rows repeat within a batch about as often as they do in MovieLens.
 */
export function sample({ name, nUsers, nItems }: Shape, nSampled: number, batchSize: number): CollabData {
  const n = Math.max(nSampled, nUsers, nItems);
  const users = new Uint32Array(n);
  const items = new Uint32Array(n);
  const ratings = new Float32Array(n);
  const draw = (k: number, what: number) => hash32(7, k, what, 0) / 2 ** 32;
  for (let k = 0; k < n; k++) {
    users[k] = k < nUsers ? k : Math.floor(draw(k, 0) ** 2 * nUsers);
    items[k] = k < nItems ? (k * 7919) % nItems : Math.floor(draw(k, 1) ** 2 * nItems);
    ratings[k] = 1 + Math.floor(5 * draw(k, 2));
  }
  return CollabData.fromArrays({ users, items, ratings }, { validPct: 0, batchSize, name });
}
