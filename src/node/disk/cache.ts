import { accessSync, constants } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * The folder for files that can be fetched or made again (downloads, unpacked drivers): `$DOTBIAS_CACHE_DIR`, else
 * `$XDG_CACHE_HOME/dotbias`, else `~/.cache/dotbias`. If there is no home folder that can be written to, each user has a
 * folder in the system's temporary directory instead. It need not exist yet.
 */
export function cacheDir(): string {
  const { DOTBIAS_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  if (DOTBIAS_CACHE_DIR) return DOTBIAS_CACHE_DIR;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'dotbias');
  const home = homeOrNone();
  if (home) {
    const folder = join(home, '.cache', 'dotbias');
    if (canBeWritten(folder)) return folder;
  }
  return join(tmpdir(), `dotbias-cache-${process.getuid?.() ?? 'user'}`);
}

function homeOrNone(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined; // no $HOME and no entry in the system's list of users
  }
}

/** Whether the folder, or the nearest one above it that exists, can be written to. */
function canBeWritten(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing && dirname(folder) !== folder && canBeWritten(dirname(folder));
  }
}
