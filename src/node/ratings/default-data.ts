import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Id, RatingColumns } from '../../data/collab-data.js';
import { DataError } from '../../base/errors.js';
import { plantedRatings, type PlantedRatings } from '../../data/planted.js';
import { cacheDir as defaultCacheDir } from '../disk/cache.js';
import { cachedMovieLens100k, downloadMovieLens100k, type DownloadOptions } from './movielens.js';
import { readRatings, type ReadRatingsOptions, type Skipped } from './ratings-file.js';

export interface OpenRatingsOptions extends ReadRatingsOptions, DownloadOptions {
  /** A file, folder or pattern as for `readRatings`, or 'planted' for the planted set. Default: MovieLens-100K, else the planted set. */
  data?: string;
  /** Never use the network. Default false. */
  offline?: boolean;
  /** Seed of the planted set. Default 42. */
  plantedSeed?: number;
}

export interface OpenedRatings extends Skipped {
  columns: RatingColumns;
  name: string;
  /** One sentence: which data these are, and why these. */
  source: string;
  titles?: Map<Id, string>;
  /** For the planted set: the least MSE that any model can reach on these rows (default: all). */
  bestMse?: PlantedRatings['bestMse'];
}

/**
 * Ratings to train on. Without `data`, the first of: MovieLens-100K in `$MOVIELENS_DIR/ml-100k`; in the cache folder;
 * downloaded from GroupLens; the planted set, a synthetic stand-in. `source` says which it is and why.
 *
 * @throws DataError as `readRatings`; data that were named, by `data` or `$MOVIELENS_DIR`, are never replaced by others
 */
export async function openRatings(options: OpenRatingsOptions = {}): Promise<OpenedRatings> {
  const { data, offline = false, cacheDir = defaultCacheDir(), signal } = options;
  if (data === 'planted') return planted(options, 'as asked for');
  if (data !== undefined) {
    const file = await readRatings(data, options);
    return { ...file, source: `${file.name}${data === '-' ? '' : ` (${data})`}.` };
  }

  const folder = process.env['MOVIELENS_DIR'];
  if (folder) {
    const named = join(folder, 'ml-100k');
    if (!(await isFolder(named))) {
      throw new DataError('MOVIELENS_DIR is set, but has no folder ml-100k; correct it or unset it.', { file: folder });
    }
    return movieLens(named, 'from MOVIELENS_DIR');
  }
  const cached = await cachedMovieLens100k(cacheDir);
  if (cached !== undefined) return movieLens(cached, 'from the cache');
  if (offline) return planted(options, 'no network allowed, and MovieLens-100K is not in the cache');
  let downloaded: string;
  try {
    downloaded = await downloadMovieLens100k({ ...options, cacheDir });
  } catch (error) {
    if (signal?.aborted) throw error;
    return planted(options, `MovieLens-100K could not be downloaded: ${(error as Error).message.replace(/\.$/, '')}`);
  }
  return movieLens(downloaded, 'just downloaded');
}

async function movieLens(folder: string, why: string): Promise<OpenedRatings> {
  const file = await readRatings(folder);
  return { ...file, name: 'ml-100k', source: `MovieLens-100K, ${why} (${folder}).` };
}

function planted({ plantedSeed = 42 }: OpenRatingsOptions, why: string): OpenedRatings {
  const { columns, bestMse } = plantedRatings({ seed: plantedSeed });
  return { columns, name: 'planted', source: `The planted set, synthetic ratings (${why}).`, bestMse, skipped: 0, skippedExamples: [] };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
