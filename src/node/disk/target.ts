/** What writing to a path means: which file it is in the end, or which device. */
import { constants, fstatSync, type Stats, writeSync } from 'node:fs';
import { access, lstat, open, readlink, realpath, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { naming } from './errors.js';
import { temporaryPath } from './leftovers.js';

/** Where writing to a path ends. */
export type Target =
  /** A file that is there or will be, after all links; `found` is undefined for a new one. */
  | { kind: 'file'; path: string; found: Stats | undefined }
  /** A device or FIFO, which is written to as it is. */
  | { kind: 'stream'; path: string; found: Stats }
  | { kind: 'socket'; path: string; found: Stats }
  /** A file that this process has open already, such as standard output under the name /dev/stdout. */
  | { kind: 'descriptor'; fd: number; found: Stats };

const MAX_LINKS = 40;

/** Follows a path to what would be written. @throws RangeError for what cannot be a file, or the file system's error */
export async function findTarget(path: string): Promise<Target> {
  if (path === '') throw new RangeError('The name of the file to write is empty.');
  if (path.includes('\0')) throw new RangeError(`The name ${JSON.stringify(path)} holds a zero byte, which no file name can.`);
  if (/(^|\/)\.{0,2}$/.test(path) || (process.platform === 'win32' && path.endsWith('\\'))) {
    throw new RangeError(`${path} is the name of a folder; name a file to write.`);
  }
  let at = path;
  let link: string | undefined;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const fd = descriptorOf(at);
    if (fd !== undefined) return { kind: 'descriptor', fd, found: openedAs(fd, path) };
    const parent = await realParent(at, path);
    at = join(parent, basename(at));
    const found = await lstatOrNone(at);
    if (!found?.isSymbolicLink()) {
      // A link of /proc to what has no name, such as a pipe of another process, still leads there.
      const led = found === undefined && link !== undefined ? await stat(link).catch(() => undefined) : undefined;
      if (link !== undefined && led !== undefined) return { kind: 'stream', path: link, found: led };
      return targetOf(at, found, path);
    }
    link = at;
    const next = await readlink(at);
    at = isAbsolute(next) ? next : `${parent}/${next}`;
  }
  throw new RangeError(`${path} leads through too many links.`);
}

function targetOf(path: string, found: Stats | undefined, name: string): Target {
  if (found?.isDirectory()) throw new RangeError(`${name} is a folder; name a file to write.`);
  if (found === undefined || found.isFile()) return { kind: 'file', path, found };
  return { kind: found.isSocket() ? 'socket' : 'stream', path, found };
}

/** The number in /dev/fd/N and its other names. To open these anew may not be permitted, or begins at the file's start. */
function descriptorOf(path: string): number | undefined {
  if (process.platform === 'win32') return undefined;
  const standard = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].indexOf(path);
  if (standard >= 0) return standard;
  const [, pid, fd] = /^(?:\/dev|\/proc\/(self|thread-self|\d+))\/fd\/(\d{1,9})$/.exec(path) ?? [];
  return fd === undefined || (Number(pid) > 0 && Number(pid) !== process.pid) ? undefined : Number(fd);
}

function openedAs(fd: number, name: string): Stats {
  try {
    writeSync(fd, ''); // refused by what is open for reading alone
    return fstatSync(fd);
  } catch (error) {
    throw naming(error, name);
  }
}

/** The folder of a file after all links, without `.` and `..`; what of it is missing keeps its name. */
async function realParent(path: string, name: string): Promise<string> {
  const missing: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      const real = await realpath(folder);
      if (!(await stat(real)).isDirectory()) throw new RangeError(`${name} cannot be written: ${folder} is not a folder.`);
      return join(real, ...missing);
    } catch (error) {
      if (error instanceof RangeError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && (await lstatOrNone(folder)) !== undefined) {
        throw new RangeError(`${name} cannot be written: ${folder} is a link to a folder that does not exist.`);
      }
      // With ENOTDIR, the file that should be a folder is further up.
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(folder) === folder) throw naming(error, name);
      missing.unshift(basename(folder));
    }
  }
}

async function lstatOrNone(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

/** The folder that a path is in or, while that does not exist, the nearest one above; and the names from there on. */
export async function anchorOf(path: string): Promise<{ folder: string; names: string[] }> {
  const names = [basename(path)];
  let folder = dirname(path);
  for (; (await lstatOrNone(folder)) === undefined && dirname(folder) !== folder; folder = dirname(folder)) names.unshift(basename(folder));
  return { folder, names };
}

/**
 * Fails where writing to `path` would fail, by trying all but the writing itself: names too long, read-only folders and
 * disks, files that are read-only. Leaves nothing behind.
 *
 * @returns where the path leads, see `findTarget`
 * @throws RangeError or the file system's error, which names `path`
 */
export async function checkTarget(path: string): Promise<Target> {
  const target = await findTarget(path).catch((error: unknown) => {
    throw naming(error, path);
  });
  if (target.kind === 'descriptor') return target;
  try {
    if (target.found !== undefined) await access(target.path, constants.W_OK);
    if (target.kind !== 'file') return target;
    const { folder, names } = await anchorOf(target.path);
    for (const name of names) await lstatOrNone(join(folder, name)); // a name that is too long is refused here
    await withProbe(folder, async () => undefined).catch((error: unknown) => {
      if (target.found === undefined || !cannotBeReplaced(error)) throw error;
    });
    return target;
  } catch (error) {
    throw naming(error, path);
  }
}

/** Makes a file in a folder, looks at something, and removes it. @throws the file system's error where no file can be made */
async function withProbe<T>(folder: string, look: (probe: string) => Promise<T>): Promise<T> {
  const probe = temporaryPath(folder);
  const file = await open(probe, 'wx', 0o600);
  try {
    await file.close();
    return await look(probe);
  } finally {
    await rm(probe, { force: true });
  }
}

/** Whether names that differ in case alone are one file in a folder. False where it cannot be found out. */
export async function ignoresCase(folder: string): Promise<boolean> {
  const look = async (probe: string) => (await lstatOrNone(join(folder, basename(probe).toUpperCase()))) !== undefined;
  return withProbe(folder, look).catch(() => false);
}

/** Whether an error means that a file cannot be replaced by another, though it may be overwritten. */
export function cannotBeReplaced(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Bytes that this process may still write to the file system of a folder; undefined where it does not say. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  if (found === undefined || found.blocks === 0) return undefined;
  return (process.getuid?.() === 0 ? found.bfree : found.bavail) * found.bsize;
}
