import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Fails before the work begins, rather than after it, if a file cannot be written. @throws RangeError or the file system's error */
export async function checkWritable(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const found = await statOrNone(path);
  if (found?.isDirectory()) throw new RangeError(`${path} is a folder; name a file to write.`);
  let folder = dirname(resolve(path));
  while (!(await statOrNone(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  if (!(await stat(folder)).isDirectory()) throw new RangeError(`${path} cannot be written: ${folder} is not a folder.`);
  await access(folder, constants.W_OK | constants.X_OK);
}

async function statOrNone(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}
