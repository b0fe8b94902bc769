import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkChoice, checkOptions } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import { bytesOf } from '../../read/bytes.js';
import { unpacked } from '../../read/unpack.js';
import { zipEntries } from '../../read/zip.js';
import { cacheDir } from '../disk/cache.js';
import { makeFolder } from '../disk/folders.js';
import { hashOfFile, readHashes, writeHashes } from '../disk/hashes.js';
import { removeLeftovers, scratchFolder } from '../disk/leftovers.js';
import { download, type TransferOptions } from './download.js';
import { archiveOf, MOVIELENS, MOVIELENS_NAMES, type MovieLensName, type MovieLensSet } from './movielens-sets.js';

/** How a MovieLens set is downloaded; all optional. */
export interface DownloadOptions extends TransferOptions {
  /**
   * Folder in which the set's own folder, such as `ml-100k`, is kept. Default: `$DOTBIAS_CACHE_DIR`, else
   * `$XDG_CACHE_HOME/dotbias`, else `~/.cache/dotbias`.
   */
  cacheDir?: string | undefined;
  /** Address of the archive, and with `.md5` behind it of its MD5 where that is not known. Default: that of GroupLens. */
  url?: string | undefined;
  /**
   * Expected MD5 of the archive, 32 hexadecimal digits; any other archive is refused. MD5 is what GroupLens publishes: it
   * finds a damaged or changed download, but does not protect against a forged one. Default: the published one.
   */
  md5?: string | undefined;
}

/** Names of all `DownloadOptions`. */
export const DOWNLOAD_OPTIONS: readonly (keyof DownloadOptions)[] = [
  'cacheDir',
  'url',
  'md5',
  'onProgress',
  'signal',
  'connectTimeout',
  'stallTimeout',
];

/** What is known of an earlier download. */
export interface CachedMovieLens {
  folder: string;
  /** The first of its files that is not as it was published; undefined if all are. */
  changed: string | undefined;
}

/** An earlier download; undefined if there is none. */
export async function cachedMovieLens(
  name: MovieLensName,
  cache: string = cacheDir(),
  md5: string | undefined = MOVIELENS[name].md5,
): Promise<CachedMovieLens | undefined> {
  const set: MovieLensSet = MOVIELENS[name];
  const folder = join(cache, set.folder);
  if (!(await exists(join(folder, set.ratings)))) return undefined;
  // Where the files are not known, their hashes were noted when they were unpacked.
  const expected = md5 === set.md5 && set.files ? set.files : await readHashes(folder);
  if (!(set.ratings in expected)) return { folder, changed: set.ratings };
  for (const [file, hash] of Object.entries(expected)) {
    const found = await hashOfFile(join(folder, file)).catch(() => undefined);
    if (found === undefined || !found.startsWith(String(hash))) return { folder, changed: file };
  }
  return { folder, changed: undefined };
}

/** What `downloadMovieLens` has done. */
export interface DownloadedMovieLens {
  /** The folder of the set. */
  folder: string;
  /** Whether it was there already. */
  isCached: boolean;
  /** The MD5 that the archive was found to have; absent if it was there already. */
  md5?: string | undefined;
}

/**
 * Downloads a MovieLens set, checks its MD5 and unpacks it into its folder in `cacheDir`. An earlier download is used if its files
 * are still what they were, and replaced otherwise. The folder appears whole or not at all, and any number of processes may do this
 * at once. `ml-latest-small` changes from time to time: its MD5 is read from beside it, which finds damage, but cannot tell whether it
 * is the set that others have.
 *
 * The data are for research; GroupLens does not permit redistribution.
 *
 * @throws RangeError for a set that there is not; DataError if the server cannot be reached, stalls or sends something else or too
 *   much; the signal's reason if it is aborted; TypeError for an option that does not exist. Nothing is left behind.
 */
export async function downloadMovieLens(name: MovieLensName, options: DownloadOptions = {}): Promise<DownloadedMovieLens> {
  checkOptions('downloadMovieLens', options, DOWNLOAD_OPTIONS);
  checkChoice('The MovieLens set', name, MOVIELENS_NAMES);
  const set: MovieLensSet = MOVIELENS[name];
  const { title, megabytes } = set;
  const { cacheDir: cache = cacheDir(), url = archiveOf(name), md5: given = set.md5, signal } = options;
  const cached = await cachedMovieLens(name, cache, given);
  if (cached !== undefined && cached.changed === undefined) return { folder: cached.folder, isCached: true };

  await makeFolder(cache);
  await removeLeftovers(cache, set.folder);
  const { path: scratch, remove } = await scratchFolder(cache);
  try {
    const md5 = given ?? (await md5Beside(url, join(scratch, 'md5'), title, options));
    const archive = join(scratch, `${name}.zip`);
    await download(url, archive, `${title} has ${megabytes} MB`, Math.max(5, Math.ceil(megabytes)) * 10_000_000, options);
    const found = await hashOfFile(archive, 'md5', signal);
    if (found !== md5) {
      throw new DataError(`The download is not ${title}: its MD5 is ${found}, not ${md5}. It was removed; try again.`, { file: url });
    }
    const contents = join(scratch, 'unpacked');
    const hashes = await unpack(archive, contents, set, url, signal);
    if (!hashes.has(`${set.folder}/${set.ratings}`)) {
      throw new DataError(`The archive holds no ${set.folder}/${set.ratings}.`, { file: url });
    }
    const own = Array.from(hashes).filter(([file]) => file.startsWith(`${set.folder}/`));
    await writeHashes(
      join(contents, set.folder),
      own.map(([file, hash]) => [file.slice(set.folder.length + 1), hash]),
    );
    return { folder: await moveInto(join(contents, set.folder), name, cache, md5), isCached: false, md5 };
  } finally {
    await remove();
  }
}

/** The MD5 that lies beside an archive. @throws DataError as `download`, and if there is none in it */
async function md5Beside(url: string, path: string, title: string, options: TransferOptions): Promise<string> {
  const file = `${url}.md5`;
  await download(file, path, `the MD5 of ${title} has 32 digits`, 10_000, { ...options, onProgress: undefined });
  const [found] = /\b[0-9a-f]{32}\b/i.exec(await readFile(path, 'utf8')) ?? [];
  if (found === undefined) throw new DataError(`There is no MD5 in what the server sends as that of ${title}.`, { file });
  return found.toLowerCase();
}

/** Unpacks the files of an archive; returns their SHA-256 by name. @throws DataError for a name that would lead out of the folder */
async function unpack(
  archive: string,
  folder: string,
  { title, megabytes }: MovieLensSet,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const entries = await zipEntries(bytesOf(await openAsBlob(archive), url), url);
  const most = Math.max(5, Math.ceil(megabytes)) * 100_000_000;
  if (entries.reduce((sum, { size }) => sum + size, 0) > most) {
    throw new DataError(`The archive is not ${title}: it would unpack to more than ${most} bytes.`, { file: url });
  }
  const hashes = new Map<string, string>();
  for (const { name, gzip } of entries) {
    if (name.startsWith('/') || /[\\:]/.test(name) || name.split('/').includes('..')) {
      throw new DataError(`The archive holds a file with the unsafe name '${name}'.`, { file: url, value: name });
    }
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    const hash = createHash('sha256');
    const file = await open(path, 'w');
    try {
      for await (const chunk of unpacked(gzip({ signal }), `${url}/${name}`)) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    hashes.set(name, hash.digest('hex'));
  }
  return hashes;
}

/** Moves a folder to its place in the cache. If another process was faster, its folder stays; what is broken is replaced. */
async function moveInto(from: string, name: MovieLensName, cache: string, md5: string): Promise<string> {
  const to = join(cache, MOVIELENS[name].folder);
  try {
    await rename(from, to);
  } catch (error) {
    const there = await cachedMovieLens(name, cache, md5);
    if (there !== undefined && there.changed === undefined) return to;
    await rm(to, { recursive: true, force: true });
    await rename(from, to).catch(() => {
      throw error;
    });
  }
  return to;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
