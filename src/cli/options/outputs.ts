/** Checks before the work begins what would fail, or destroy something, at its end. */
import { fstatSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { naming } from '../../node/disk/errors.js';
import { temporaryPath } from '../../node/disk/leftovers.js';
import { anchorOf, checkTarget, ignoresCase } from '../../node/disk/target.js';
import { CHECKPOINT_FILE } from '../../node/files/checkpoint-dir.js';
import { UsageError } from '../process/errors.js';

/** Files by the flag that names them, such as `'--out': 'model.safetensors'`; `-` is standard input. */
export type NamedFiles = Record<string, string | readonly string[] | undefined>;

/** What a command will read and write. */
export interface CommandFiles {
  reads?: NamedFiles | undefined;
  writes?: NamedFiles | undefined;
  /** A folder that will hold checkpoints. */
  checkpointDir?: string | undefined;
}

/** One file, and all by which another name of it is recognised. */
interface Spot {
  flag: string;
  path: string;
  /** Device and number of the file that is there. */
  id?: string | undefined;
  /** The folder that is there, by its number, and the names from there on: for an output. */
  place?: Place | undefined;
}

interface Place {
  /** The nearest folder that is there. */
  folder: string;
  key: string;
  isFolder?: boolean | undefined;
}

/**
 * Fails if a file to be written cannot be, or is the same as one to be read or another to be written, by whatever name.
 *
 * @throws UsageError, RangeError or the file system's error
 */
export async function checkFiles({ reads = {}, writes = {}, checkpointDir }: CommandFiles): Promise<void> {
  for (const [flag, path] of [...each(reads), ...each(writes), ...each({ '--checkpoint-dir': checkpointDir })]) {
    if (path === '') throw new UsageError(`${flag} is given an empty name.`);
  }
  const outputs: Spot[] = [];
  for (const [flag, path] of each(writes)) outputs.push(await outputSpot(flag, path));
  const checkpoints = checkpointDir === undefined ? [] : await checkpointSpots(checkpointDir);
  const folder = checkpoints[0]?.place;
  const inputs: Spot[] = [];
  for (const [flag, path] of each(reads)) inputs.push({ flag, path, id: await idOf(path) });

  for (const [k, output] of outputs.entries()) {
    for (const other of [...outputs.slice(0, k), ...inputs, ...checkpoints, ...standardStreams(output)]) await compare(output, other);
    if (folder !== undefined) refuseInside(output, folder);
  }
  for (const output of checkpoints) for (const other of inputs) await compare(output, other);
}

function* each(files: NamedFiles): Generator<[flag: string, path: string]> {
  for (const [flag, paths] of Object.entries(files)) for (const path of [paths ?? []].flat()) yield [flag, path];
}

async function outputSpot(flag: string, path: string): Promise<Spot> {
  const target = await checkTarget(path);
  const { found } = target;
  const id = found?.isFile() || found?.isFIFO() ? idOfStats(found) : undefined;
  return { flag, path, id, ...(target.kind === 'file' && { place: await placeOf(target.path) }) };
}

async function placeOf(path: string): Promise<Place> {
  const { folder, names } = await anchorOf(path);
  return { folder, key: [idOfStats(await stat(folder)), ...names].join('/') };
}

const idOfStats = ({ dev, ino }: { dev: number; ino: number }): string => `${dev}:${ino}`;

async function idOf(path: string): Promise<string | undefined> {
  try {
    const found = path === '-' ? fstatSync(0) : await stat(path);
    return found.isFile() || found.isFIFO() ? idOfStats(found) : undefined;
  } catch {
    return undefined; // whoever reads it says so
  }
}

/** The folder itself, in whose place no file may be, and the checkpoints in it, which may be links to anything. */
async function checkpointSpots(dir: string): Promise<Spot[]> {
  const flag = '--checkpoint-dir';
  const spots: Spot[] = [{ flag, path: dir, place: await folderPlace(dir) }];
  for (const name of await readdir(dir).catch(() => [])) {
    if (CHECKPOINT_FILE.test(name)) spots.push({ flag, path: join(dir, name), id: await idOf(join(dir, name)) });
  }
  return spots;
}

/** Where a folder is or will be. */
async function folderPlace(dir: string): Promise<Place> {
  const probe = temporaryPath(dir);
  const target = await checkTarget(probe).catch((error: unknown) => {
    if (error instanceof RangeError)
      throw new RangeError(
        error.message.replace(probe, () => dir),
        { cause: error },
      );
    throw naming(error, dir);
  });
  const { folder, key } = await placeOf(target.kind === 'file' ? target.path : dir);
  return { folder, key: key.replace(/\/[^/]*$/, ''), isFolder: true };
}

/** What was printed would go when another file comes in place of the one that it is sent to. */
function standardStreams({ place }: Spot): Spot[] {
  if (place === undefined) return [];
  return [1, 2].flatMap((fd) => {
    try {
      const found = fstatSync(fd);
      return found.isFile() ? { flag: '', path: fd === 1 ? 'standard output' : 'standard error', id: idOfStats(found) } : [];
    } catch {
      return [];
    }
  });
}

async function compare(output: Spot, other: Spot): Promise<void> {
  const [a, b] = [output, other].map(({ flag, path }) => `${flag} ${path}`.trim());
  const advice = 'name another file to write.';
  if ((output.id !== undefined && output.id === other.id) || (await meet(output.place, other.place, (one, two) => one === two))) {
    throw new UsageError(`${a} is the same file as ${b}; ${advice}`);
  }
  if (await meet(output.place, other.place, (one, two) => two.startsWith(`${one}/`))) {
    throw new UsageError(`${a} would be a file where ${b} needs a folder; ${advice}`);
  }
  if (other.place?.isFolder !== true && (await meet(other.place, output.place, (one, two) => two.startsWith(`${one}/`)))) {
    throw new UsageError(`${b} would be a file where ${a} needs a folder; ${advice}`);
  }
}

/** Whether two places meet as `how` says, also where names that differ in case alone are one. */
async function meet(a: Place | undefined, b: Place | undefined, how: (a: string, b: string) => boolean): Promise<boolean> {
  if (a === undefined || b === undefined) return false;
  return how(a.key, b.key) || (how(fold(a.key), fold(b.key)) && ignoresCase(a.folder));
}

const fold = (name: string) => name.normalize('NFC').toLowerCase();

function refuseInside(output: Spot, { key }: Place): void {
  const name = output.place?.key.startsWith(`${key}/`) ? output.place.key.slice(key.length + 1) : '';
  if (!CHECKPOINT_FILE.test(name)) return;
  throw new UsageError(`${output.flag} ${output.path} has the name of a checkpoint in --checkpoint-dir; name another file to write.`);
}
