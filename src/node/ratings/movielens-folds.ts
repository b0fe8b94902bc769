import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RatingColumns } from '../../data/collab-data.js';
import { DataError } from '../../base/errors.js';
import { downloadMovieLens100k } from './movielens.js';
import { readSplit } from './ratings-file.js';

/** The two sets of splits that come with MovieLens-100K: five folds, and two splits with ten test ratings a user. */
export type MovieLensFolds = 'u1-u5' | 'ua-ub';

const NAMES: Record<MovieLensFolds, readonly string[]> = { 'u1-u5': ['u1', 'u2', 'u3', 'u4', 'u5'], 'ua-ub': ['ua', 'ub'] };

/** A split and its name, for `givenFolds`. */
export interface GivenFold {
  name: string;
  train: RatingColumns;
  valid: RatingColumns;
}

/**
 * Reads the splits that come with MovieLens-100K.
 *
 * @param folder where `u1.base` and its like are. Default: `$MOVIELENS_DIR/ml-100k`, else MovieLens-100K from the cache or
 *   downloaded
 * @throws DataError if a file is not there or cannot be read
 */
export async function readMovieLensFolds(which: MovieLensFolds, folder?: string): Promise<GivenFold[]> {
  const named = process.env['MOVIELENS_DIR'];
  const path = folder ?? (named ? join(named, 'ml-100k') : await downloadMovieLens100k());
  const folds: GivenFold[] = [];
  for (const name of NAMES[which]) {
    const [trainFile, validFile] = ['base', 'test'].map((part) => join(path, `${name}.${part}`));
    for (const file of [trainFile, validFile]) {
      if (
        !(await stat(file).then(
          () => true,
          () => false,
        ))
      )
        throw new DataError(`There is no such file; the folds ${which} need the folder of MovieLens-100K.`, { file });
    }
    const { train, valid } = await readSplit(trainFile, validFile);
    folds.push({ name, train, valid });
  }
  return folds;
}
