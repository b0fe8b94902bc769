import { CollabData, type CollabDataOptions } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';

/** A small planted set that a model can learn: 60 users, 80 items, 2000 ratings, 50 batches of 32 in training. */
export function smallData(options: CollabDataOptions = {}): CollabData {
  const { columns } = plantedRatings({ nUsers: 60, nItems: 80, nRatings: 2000, seed: 1 });
  return CollabData.fromArrays(columns, { batchSize: 32, seed: 5, ...options });
}
