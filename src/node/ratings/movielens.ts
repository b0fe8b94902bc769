import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkOptions } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import { bytesOf } from '../../read/bytes.js';
import { unpacked } from '../../read/unpack.js';
import { zipEntries } from '../../read/zip.js';
import { cacheDir } from '../disk/cache.js';
import { makeFolder } from '../disk/folders.js';
import { readHashes, sha256, writeHashes } from '../disk/hashes.js';
import { removeLeftovers, scratchFolder } from '../disk/leftovers.js';
import { download, type TransferOptions } from './download.js';

/** Where GroupLens publishes MovieLens-100K. */
const ML_100K_URL = 'https://files.grouplens.org/datasets/movielens/ml-100k.zip';
/** The MD5 that GroupLens publishes beside it. */
const ML_100K_MD5 = '0e33842e24a9c977be4e0107933c0723';

/** How MovieLens-100K is downloaded; all optional. */
export interface DownloadOptions extends TransferOptions {
  /**
   * Folder in which `ml-100k` is kept. Default: `$DOTBIAS_CACHE_DIR`, else `$XDG_CACHE_HOME/dotbias`, else
   * `~/.cache/dotbias`.
   */
  cacheDir?: string | undefined;
  /** Address of the archive. Default: that of GroupLens. */
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

/** The beginnings of the SHA-256 of the files that are read of the published archive: what is in the cache is checked by them. */
const ML_100K_FILES: Readonly<Record<string, string>> = {
  'u.data': '06416e597f82b7342361e41163890c81',
  'u.item': '553841ebc7de3a0fd0d6b62a204ea30c',
  'u1.base': 'ce253ec86c448b44fb3ba9a30d12dcfc',
  'u1.test': '18c6014a4b2c7324f250a63f8904a7b1',
  'u2.base': '6c06f0b5df4b256da1a994f3ac66edc8',
  'u2.test': '4de658d1e04ed9104629509a2e2528fc',
  'u3.base': 'afdc155c291c6edc41c0407e39d7462e',
  'u3.test': '0f548b51c78327de4c156461d3e430b7',
  'u4.base': '219f0f4d40dfe9c5141d425f53fa91ee',
  'u4.test': '7c02ad0a1e7ab1083c8b9d4b627203a0',
  'u5.base': 'a9574e59ce961eec2121627760b6e9b0',
  'u5.test': '351cc52e0d15b6c721466276fc24671d',
  'ua.base': '67b5bcdb380c29f85d56a012ecd88612',
  'ua.test': 'd0497e202417720f57a184ec8c66be2d',
  'ub.base': '237254d253b6ad7de84f919d04105542',
  'ub.test': 'd54a72d05730d5892062734b2bec73e9',
};

/** What is known of an earlier download. */
export interface CachedMovieLens {
  folder: string;
  /** The first of its files that is not as it was published; undefined if all are. */
  changed: string | undefined;
}

/** An earlier download; undefined if there is none. */
export async function cachedMovieLens100k(cache: string = cacheDir(), md5 = ML_100K_MD5): Promise<CachedMovieLens | undefined> {
  const folder = join(cache, 'ml-100k');
  if (!(await exists(join(folder, 'u.data')))) return undefined;
  // Of another archive the hashes were noted when it was unpacked.
  const expected = md5 === ML_100K_MD5 ? ML_100K_FILES : await readHashes(folder);
  for (const [name, hash] of Object.entries(expected)) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    if (bytes === undefined || !sha256(bytes).startsWith(String(hash))) return { folder, changed: name };
  }
  return { folder, changed: undefined };
}

/**
 * Downloads MovieLens-100K (5 MB), checks its MD5 and unpacks it into `<cacheDir>/ml-100k`; returns that folder. An earlier
 * download is used if its files are still what they were, and replaced otherwise. The folder appears whole or not at all,
 * and any number of processes may do this at once.
 *
 * The data are for research; GroupLens does not permit redistribution.
 *
 * @throws DataError if the server cannot be reached, stalls or sends something else or too much; the signal's reason if it
 *   is aborted; TypeError for an option that does not exist. Nothing is left behind.
 */
export async function downloadMovieLens100k(options: DownloadOptions = {}): Promise<string> {
  checkOptions('downloadMovieLens100k', options, DOWNLOAD_OPTIONS);
  const { cacheDir: cache = cacheDir(), url = ML_100K_URL, md5 = ML_100K_MD5 } = options;
  const cached = await cachedMovieLens100k(cache, md5);
  if (cached !== undefined && cached.changed === undefined) return cached.folder;

  await makeFolder(cache);
  await removeLeftovers(cache, 'ml-100k');
  const { path: scratch, remove } = await scratchFolder(cache);
  try {
    const archive = join(scratch, 'ml-100k.zip');
    await download(url, archive, options);
    const bytes = await readFile(archive);
    const found = createHash('md5').update(bytes).digest('hex');
    if (found !== md5) {
      throw new DataError(`The download is not MovieLens-100K: its MD5 is ${found}, not ${md5}. It was removed; try again.`, { file: url });
    }
    const contents = join(scratch, 'unpacked');
    await unpack(bytes, contents, url);
    if (!(await exists(join(contents, 'ml-100k', 'u.data')))) {
      throw new DataError('The archive holds no ml-100k/u.data.', { file: url });
    }
    return await moveInto(join(contents, 'ml-100k'), cache, md5);
  } finally {
    await remove();
  }
}

/** The most bytes that an archive may unpack to: MovieLens-100K has 16 MB. */
const MAX_UNPACKED = 500_000_000;

/** Unpacks the files of an archive. @throws DataError for a name that would lead out of the folder */
async function unpack(bytes: Uint8Array, folder: string, url: string): Promise<void> {
  const entries = await zipEntries(bytesOf(bytes, url), url);
  if (entries.reduce((sum, { size }) => sum + size, 0) > MAX_UNPACKED) {
    throw new DataError(`The archive is not MovieLens-100K: it would unpack to more than ${MAX_UNPACKED} bytes.`, { file: url });
  }
  for (const { name, gzip } of entries) {
    if (name.startsWith('/') || /[\\:]/.test(name) || name.split('/').includes('..')) {
      throw new DataError(`The archive holds a file with the unsafe name '${name}'.`, { file: url, value: name });
    }
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, unpacked(gzip(), `${url}/${name}`));
  }
}

/** Moves a folder to its place in the cache. If another process was faster, its folder stays; what is broken is replaced. */
async function moveInto(from: string, cache: string, md5: string): Promise<string> {
  const to = join(cache, 'ml-100k');
  if (md5 !== ML_100K_MD5) {
    const files: [name: string, content: Uint8Array][] = [];
    for (const name of await readdir(from)) {
      if ((await stat(join(from, name))).isFile()) files.push([name, await readFile(join(from, name))]);
    }
    await writeHashes(from, files);
  }
  try {
    await rename(from, to);
  } catch (error) {
    const there = await cachedMovieLens100k(cache, md5);
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
