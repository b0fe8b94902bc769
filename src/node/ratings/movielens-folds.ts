import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { checkChoice } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import type { RatingColumns } from '../../data/collab-data.js';
import { downloadMovieLens } from './movielens.js';
import { readSplit } from './ratings-file.js';

/** The two sets of splits that come with MovieLens-100K: five folds, and two splits with ten test ratings of each user. */
export type MovieLensFolds = 'u1-u5' | 'ua-ub';

const NAMES: Record<MovieLensFolds, readonly string[]> = { 'u1-u5': ['u1', 'u2', 'u3', 'u4', 'u5'], 'ua-ub': ['ua', 'ub'] };

/** A split that is given, for `givenFolds`. */
export interface GivenFold {
  /** Such as 'u1'. */
  name: string;
  train: RatingColumns;
  /** The test set. */
  valid: RatingColumns;
}

/**
 * Reads the splits that come with MovieLens-100K.
 *
 * @param folder the folder with `u1.base` and the other files. Default: `$MOVIELENS_DIR/ml-100k`, else that of the cache,
 *   to which MovieLens-100K is downloaded if need be
 * @throws DataError if a file is missing or cannot be read, RangeError for a set that does not exist
 */
export async function readMovieLensFolds(which: MovieLensFolds, folder?: string): Promise<GivenFold[]> {
  checkChoice('The set of folds', which, ['u1-u5', 'ua-ub']);
  const named = process.env['MOVIELENS_DIR'];
  const path = folder ?? (named ? join(named, 'ml-100k') : (await downloadMovieLens('ml-100k')).folder);
  const folds: GivenFold[] = [];
  for (const name of NAMES[which]) {
    const [trainFile, validFile] = ['base', 'test'].map((part) => join(path, `${name}.${part}`));
    for (const file of [trainFile, validFile]) {
      await access(file).catch((cause: unknown) => {
        throw new DataError(`There is no such file; the folds ${which} need the folder of MovieLens-100K.`, { file }, { cause });
      });
    }
    const { train, valid } = await readSplit(trainFile, validFile);
    folds.push({ name, train, valid });
  }
  return folds;
}
