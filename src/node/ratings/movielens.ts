import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { unzipSync } from 'fflate';
import { checkOptions } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import { cacheDir } from '../disk/cache.js';

/** Where GroupLens publishes MovieLens-100K. */
export const ML_100K_URL = 'https://files.grouplens.org/datasets/movielens/ml-100k.zip';
/** The MD5 that GroupLens publishes beside it. */
export const ML_100K_MD5 = '0e33842e24a9c977be4e0107933c0723';

/** How MovieLens-100K is downloaded; all optional. */
export interface DownloadOptions {
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
  /** Called as bytes arrive, with the bytes so far and in total; `total` is undefined if the server does not say. */
  onProgress?: ((bytes: number, total: number | undefined) => void) | undefined;
  /** Aborts the download, which then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds to wait for the server's answer. Default 3000. */
  connectTimeout?: number | undefined;
  /** Milliseconds without a byte after which the download is given up. Default 15,000. */
  stallTimeout?: number | undefined;
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

/** The folder of an earlier download; undefined if there is none. */
export async function cachedMovieLens100k(cache: string = cacheDir()): Promise<string | undefined> {
  const folder = join(cache, 'ml-100k');
  return (await exists(join(folder, 'u.data'))) ? folder : undefined;
}

/**
 * Downloads MovieLens-100K (5 MB), checks its MD5 and unpacks it into `<cacheDir>/ml-100k`; returns that folder. An earlier
 * download is used as it is. The folder appears whole or not at all, and any number of processes may do this at once.
 *
 * The data are for research; GroupLens does not permit redistribution.
 *
 * @throws DataError if the server cannot be reached, stalls or sends something else; the signal's reason if it is aborted;
 *   TypeError for an option that does not exist. Nothing is left behind.
 */
export async function downloadMovieLens100k(options: DownloadOptions = {}): Promise<string> {
  checkOptions('downloadMovieLens100k', options, DOWNLOAD_OPTIONS);
  const { cacheDir: cache = cacheDir(), url = ML_100K_URL, md5 = ML_100K_MD5 } = options;
  const cached = await cachedMovieLens100k(cache);
  if (cached !== undefined) return cached;

  const scratch = join(cache, `.ml-100k.${randomUUID()}`);
  await mkdir(scratch, { recursive: true });
  try {
    const archive = join(scratch, 'ml-100k.zip');
    await download(url, archive, options);
    const bytes = await readFile(archive);
    const found = createHash('md5').update(bytes).digest('hex');
    if (found !== md5) {
      throw new DataError(`The download is not MovieLens-100K: its MD5 is ${found}, not ${md5}. It was removed; try again.`, { file: url });
    }
    await unpack(bytes, join(scratch, 'unpacked'), url);
    const folder = join(cache, 'ml-100k');
    if (!(await exists(join(scratch, 'unpacked', 'ml-100k', 'u.data')))) {
      throw new DataError('The archive holds no ml-100k/u.data.', { file: url });
    }
    await moveInto(join(scratch, 'unpacked', 'ml-100k'), folder);
    return folder;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Streams `url` into a file. */
async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const { onProgress, signal, connectTimeout = 3000, stallTimeout = 15_000 } = options;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const giveUp = (reason: string): void => controller.abort(new DataError(reason, { file: url }));
  const onAbort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  let timer = setTimeout(() => giveUp(`The server did not answer within ${connectTimeout / 1000} s.`), connectTimeout);
  const restart = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => giveUp(`The download stalled: no data for ${stallTimeout / 1000} s.`), stallTimeout);
  };
  try {
    const response = await get(url, controller.signal);
    if (response.statusCode !== 200) {
      response.destroy();
      throw new DataError(`The server answered with status ${response.statusCode}.`, { file: url });
    }
    const length = Number(response.headers['content-length']);
    const total = length > 0 ? length : undefined;
    let bytes = 0;
    restart();
    const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        restart();
        bytes += chunk.length;
        onProgress?.(bytes, total);
        yield chunk;
      }
    };
    await pipeline(response, count, createWriteStream(path), { signal: controller.signal });
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    if (error instanceof DataError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DataError(`The download failed: ${code ?? message}.`, { file: url }, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function get(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { signal }, resolve).on('error', reject).end();
  });
}

/** Unpacks the files of an archive. @throws DataError for a name that would lead out of the folder */
async function unpack(bytes: Uint8Array, folder: string, url: string): Promise<void> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes);
  } catch (error) {
    throw new DataError(`The archive is damaged: ${(error as Error).message}.`, { file: url }, { cause: error });
  }
  for (const [name, content] of Object.entries(entries)) {
    if (name.endsWith('/')) continue;
    if (name.startsWith('/') || /[\\:]/.test(name) || name.split('/').includes('..')) {
      throw new DataError(`The archive holds a file with the unsafe name '${name}'.`, { file: url, value: name });
    }
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

/** Renames a folder to its place; if another process was faster, the folder of that one stays. */
async function moveInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (await exists(join(to, 'u.data'))) return;
    await rm(to, { recursive: true, force: true }); // an empty or broken leftover
    await rename(from, to).catch(() => {
      throw error;
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
