/**
 * Names of temporary files and folders say which process they belong to. They are removed when it ends; what a
 * killed process left behind is removed when another one uses the same folder.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './exit.js';
import { ownMark, type ProcessMark, stateOf } from './process-mark.js';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const OURS = /^\.dotbias-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]+\.tmp$/;
/** The names of 0.1.0: of a file or folder NAME that was being written beside NAME, ... */
const OLD = new RegExp(`^\\.(.+)\\.${UUID}(?:\\.tmp)?$`);
/** ... of a driver being unpacked in the cache, and of folders in the system's temporary directory, by what these hold. */
const OLD_FOLDER = /^swiftshader-new-\w{6}(-damaged)?$|^dotbias-(swiftshader-|stderr-)?\w{6}$/;
const OLD_CONTENT = new RegExp(
  `^stdin$|^stderr$|^${UUID}$|^libvulkan\\.so\\.1$|^libvk_swiftshader\\.so$|^(vk_swiftshader_icd|sizes)\\.json$`,
);
/** Of a process that cannot be asked, what has not changed for so long is taken for left behind; milliseconds. */
const ABANDONED = 3_600_000;

/** A new name for a temporary file or folder in `folder`, never longer than 62 bytes. */
export function temporaryPath(folder: string): string {
  const { place, pid, start } = ownMark();
  return join(folder, `.dotbias-${place}-${pid}-${start}-${randomBytes(6).toString('hex')}.tmp`);
}

/** Removes a file or folder when this process ends. Returns a function that calls it off. */
export function removeAtExit(path: string): () => void {
  return atExit(() => rmSync(path, { recursive: true, force: true }));
}

/** A new folder for this process alone, by default in the system's temporary directory. @throws the file system's error */
export async function scratchFolder(parent = tmpdir()): Promise<{ path: string; remove: () => Promise<void> }> {
  await removeLeftovers(parent);
  const path = temporaryPath(parent);
  mkdirSync(path, 0o700); // at once: a signal finds it not made yet, or known
  const keep = removeAtExit(path);
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    keep();
  };
  return { path, remove };
}

/**
 * Removes from a folder what processes that have ended left there, once for each folder and process. Never throws.
 *
 * @param name what is about to be written there: what 0.1.0 left of it goes too
 */
export async function removeLeftovers(folder: string, name?: string): Promise<void> {
  let seen = folders.get(folder);
  if (seen === undefined) folders.set(folder, (seen = clean(folder)));
  const old = await seen;
  if (name === undefined) return;
  for (const each of old) if (OLD.exec(each)?.[1] === name) await removeIf(isAbandoned, join(folder, each));
}

const folders = new Map<string, Promise<string[]>>();

/** Resolves to the names that may be 0.1.0's temporary files. */
async function clean(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, place, pid, start] = OURS.exec(name) ?? [];
    const path = join(folder, name);
    if (place !== undefined) await removeIf(() => hasEnded({ place, pid: Number(pid), start: Number(start) }, path), path);
    else if (OLD_FOLDER.test(name)) await removeIf(async () => (await isAbandoned(path)) && holdsOnlyOurs(path), path);
  }
  return names.filter((name) => OLD.test(name));
}

async function removeIf(isLeft: (path: string) => Promise<boolean>, path: string): Promise<void> {
  try {
    if (await isLeft(path)) await rm(path, { recursive: true, force: true });
  } catch {
    // Gone already, or another user's.
  }
}

async function hasEnded(mark: ProcessMark, path: string): Promise<boolean> {
  const state = stateOf(mark);
  return state === 'ended' || (state === 'unknown' && (await isAbandoned(path)));
}

async function isAbandoned(path: string): Promise<boolean> {
  const { mtimeMs, uid } = await lstat(path);
  return Date.now() - mtimeMs > ABANDONED && (process.getuid === undefined || uid === process.getuid());
}

/** Whether a folder that is named as one of 0.1.0's is not a user's own. */
async function holdsOnlyOurs(path: string): Promise<boolean> {
  return (await readdir(path)).every((name) => OLD_CONTENT.test(name));
}
