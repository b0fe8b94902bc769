import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { glob } from 'tinyglobby';
import { layoutOf } from '../../read/titles.js';
import { cacheDir } from '../disk/cache.js';

/**
 * The files that a source of ratings may be read from: of a folder all, of a pattern those that it stands for, and titles
 * beside them. Nothing is opened, and a source that does not exist has none.
 */
export async function inputFiles(source: string): Promise<string[]> {
  if (source === '-' || source === '') return [source];
  const found = await stat(source).catch(() => undefined);
  if (found?.isDirectory()) return (await readdir(source).catch(() => [])).map((name) => join(source, name));
  const files = found === undefined ? await matching(source) : [source];
  return files.flatMap((file) => {
    const layout = layoutOf(basename(file, '.gz'));
    return layout === undefined ? [file] : [file, join(dirname(file), layout.titles)];
  });
}

/** The files of MovieLens-100K, which is read where no source is named. */
export async function defaultFiles(): Promise<string[]> {
  return inputFiles(join(process.env['MOVIELENS_DIR'] || cacheDir(), 'ml-100k'));
}

/** The files that `readRatings` takes a pattern for. */
export async function matching(pattern: string): Promise<string[]> {
  if (!/[*?[{]/.test(pattern)) return [];
  return (await glob(pattern, { absolute: isAbsolute(pattern), expandDirectories: false, dot: true })).sort();
}
