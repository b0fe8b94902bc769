import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkSeed } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import type { RatingColumns } from '../../data/collab-data.js';
import type { Id } from '../../data/ids.js';
import { plantedRatings, type PlantedRatings } from '../../data/planted.js';
import { READ_OPTIONS } from '../../read/options.js';
import { checkReadOptions, type Skipped } from '../../read/ratings-file.js';
import { cacheDir as defaultCacheDir } from '../disk/cache.js';
import { cachedMovieLens, DOWNLOAD_OPTIONS, downloadMovieLens, type DownloadOptions } from './movielens.js';
import { readRatings, type ReadRatingsOptions } from './ratings-file.js';

/** Which ratings `openRatings` takes, and how it reads or downloads them; all optional. */
export interface OpenRatingsOptions extends ReadRatingsOptions, DownloadOptions {
  /**
   * A file, folder or pattern as for `readRatings`, or 'planted' for the planted set. Default: MovieLens-100K, or the
   * planted set if that cannot be had.
   */
  data?: string | undefined;
  /** True: never use the network. Default false. */
  offline?: boolean | undefined;
  /** Seed of the planted set, a whole number in [0, 2^32). Default 42. */
  plantedSeed?: number | undefined;
}

/** Ratings, and where they come from. */
export interface OpenedRatings extends Skipped {
  columns: RatingColumns;
  /** A short name: of the file or folder, 'ml-100k' or 'planted'. */
  name: string;
  /** One sentence that says which ratings these are, and why. */
  source: string;
  /** Item titles by item id, if they came with the ratings. */
  titles?: Map<Id, string> | undefined;
  /** For the planted set: the least MSE that any model can reach on the rows given (default: all), except by chance. */
  bestMse?: PlantedRatings['bestMse'] | undefined;
}

/**
 * Ratings to train on. Without `data` these are MovieLens-100K from `$MOVIELENS_DIR/ml-100k`, or else from the cache
 * folder, or else downloaded from GroupLens; if all of that fails, the planted set, which is synthetic. `source` says which
 * it is and why. Ratings that were asked for, by `data` or `$MOVIELENS_DIR`, are never replaced by others.
 *
 * @throws DataError as `readRatings`, and if `$MOVIELENS_DIR` has no folder ml-100k; RangeError for an option out of range,
 *   TypeError for one that does not exist; the signal's reason if it is aborted
 */
export async function openRatings(options: OpenRatingsOptions = {}): Promise<OpenedRatings> {
  checkReadOptions('openRatings', options, ['data', 'offline', 'plantedSeed', 'stdin', ...DOWNLOAD_OPTIONS]);
  const { data, offline = false, plantedSeed = 42, cacheDir = defaultCacheDir(), signal } = options;
  checkSeed(plantedSeed, 'plantedSeed');
  const reading = pick(options, [...READ_OPTIONS, 'stdin']);
  if (data === 'planted') return planted(plantedSeed, 'as asked for');
  if (data !== undefined) {
    const file = await readRatings(data, reading);
    return { ...file, source: `${file.name}${data === '-' || data === file.name ? '' : ` (${data})`}.` };
  }

  const folder = process.env['MOVIELENS_DIR'];
  if (folder) {
    const named = join(folder, 'ml-100k');
    if (!(await isFolder(named))) {
      throw new DataError('MOVIELENS_DIR is set, but has no folder ml-100k; correct it or unset it.', { file: folder });
    }
    return movieLens(named, reading, 'from MOVIELENS_DIR');
  }
  const cached = await cachedMovieLens('ml-100k', cacheDir, options.md5);
  if (cached !== undefined && cached.changed === undefined) return movieLens(cached.folder, reading, 'from the cache');
  const changed = cached && `${join(cached.folder, cached.changed!)} is not as it was published`;
  if (offline) return planted(plantedSeed, `no network allowed, and ${changed ?? 'MovieLens-100K is not in the cache'}`);
  let downloaded: string;
  try {
    downloaded = (await downloadMovieLens('ml-100k', { ...pick(options, DOWNLOAD_OPTIONS), cacheDir })).folder;
  } catch (error) {
    if (signal?.aborted) throw error;
    const failed = `MovieLens-100K could not be downloaded${changed === undefined ? '' : ' again'}`;
    const why = `${failed}: ${(error as Error).message.replace(/\.$/, '')}`;
    return planted(plantedSeed, changed === undefined ? why : `${changed}, and ${why}`);
  }
  return movieLens(downloaded, reading, 'just downloaded');
}

async function movieLens(folder: string, reading: ReadRatingsOptions, why: string): Promise<OpenedRatings> {
  const file = await readRatings(folder, reading);
  return { ...file, name: 'ml-100k', source: `MovieLens-100K, ${why} (${folder}).` };
}

function planted(seed: number, why: string): OpenedRatings {
  const { columns, bestMse } = plantedRatings({ seed });
  return {
    columns,
    name: 'planted',
    source: `The planted set, synthetic ratings (${why}).`,
    bestMse,
    skipped: 0,
    skippedExamples: [],
    notes: [],
  };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Those of the options that are named. */
function pick<T extends object, K extends keyof T>(options: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.filter((name) => name in options).map((name) => [name, options[name]])) as Pick<T, K>;
}
