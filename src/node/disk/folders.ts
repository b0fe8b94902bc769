import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing; returns the ones that were made, outermost first. Node's own
 * recursive `mkdir` never ends where the system says "no such file" of a folder whose parent exists, as /proc does.
 *
 * @throws the file system's error
 */
export async function makeFolder(path: string, mode = 0o777): Promise<string[]> {
  const missing: string[] = [];
  for (let at = path; !(await isFolder(at)); at = dirname(at)) {
    missing.unshift(at);
    if (dirname(at) === at) break;
  }
  const made: string[] = [];
  for (const folder of missing) {
    try {
      await mkdir(folder, mode);
      made.push(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await isFolder(folder)) continue; // another process was quicker
      throw Object.assign(error as Error, { code: 'ENOTDIR', message: `ENOTDIR: not a directory, mkdir '${folder}'` });
    }
  }
  return made;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Forces the names in a folder to the disk, where the system can: a rename is safe only then. */
export async function syncFolder(path: string): Promise<void> {
  // Some file systems refuse, as does Windows, and a folder may be writable without being readable.
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
