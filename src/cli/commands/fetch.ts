import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Argument, type Command } from 'commander';
import { cachedMovieLens, downloadMovieLens } from '../../node/ratings/movielens.js';
import { MOVIELENS, MOVIELENS_NAMES, type MovieLensName, type MovieLensSet } from '../../node/ratings/movielens-sets.js';
import { downloadProgress } from '../print/progress.js';
import { UsageError } from '../process/errors.js';
import { interruptible } from '../process/interrupt.js';
import { note, print } from '../process/terminal.js';

interface FetchFlags {
  out?: string | undefined;
  url?: string | undefined;
  quiet?: boolean | undefined;
}

const CHANGES = 'This set changes from time to time: to have it anew, remove the folder first. Do not report results on it.';

/** Adds `dotbias fetch`. */
export function addFetch(program: Command): void {
  program
    .command('fetch')
    .summary('download a MovieLens set')
    .description(
      'Downloads a MovieLens set from GroupLens, checks its MD5, and unpacks it. What was downloaded before and is still what it was is ' +
        'used as it is. The data are for research, and may not be passed on.',
    )
    .addArgument(new Argument('<set>', 'the name of the set').choices(MOVIELENS_NAMES))
    .option('--out <dir>', 'folder in which the folder of the set is made (default: the cache, where training finds ml-100k by itself)')
    .option('--url <address>', 'another address of the archive, such as that of a mirror; its MD5 must be the published one all the same')
    .option('--quiet', 'print only the folder of the set')
    .action(fetchSet);
}

async function fetchSet(name: MovieLensName, { out, url, quiet = false }: FetchFlags): Promise<void> {
  if (out === '') throw new UsageError('--out is given an empty name.');
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
    throw new UsageError('--url must be an address that begins with https:// or http://.');
  const set: MovieLensSet = MOVIELENS[name];
  if (out !== undefined) await checkFolder(name, resolve(out));
  const progress = await downloadProgress(quiet);
  await interruptible(async (interrupt) => {
    const { signal } = interrupt;
    const options = { cacheDir: out === undefined ? undefined : resolve(out), url, signal, onProgress: progress.update };
    const result = await downloadMovieLens(name, options)
      .finally(progress.clear)
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
        note('Interrupted: nothing was left behind.');
        process.exitCode = interrupt.exitCode;
      });
    if (result === undefined) return;
    const { folder, isCached, md5 } = result;
    if (quiet) return print(folder);
    const says = set.md5 === undefined ? 'as the server says beside it' : 'as published';
    if (isCached) print(`${set.title} was in ${folder} already, its files as they were downloaded.`);
    else print(`${set.title} is in ${folder}; the MD5 of its archive is ${md5}, ${says}.`);
    if (set.md5 === undefined) print(CHANGES);
    print('It is for research, and may not be passed on; the README in its folder says more.');
  });
}

/** The cache is ours, and what is broken in it is replaced; a folder of the user's is not. */
async function checkFolder(name: MovieLensName, out: string): Promise<void> {
  const folder = join(out, MOVIELENS[name].folder);
  const there = await cachedMovieLens(name, out);
  if (there === undefined ? !existsSync(folder) : there.changed === undefined) return;
  throw new UsageError(
    `${folder} is there already${there ? `, but ${there.changed} is not as it was downloaded` : ''}: remove it, or name another folder.`,
  );
}
