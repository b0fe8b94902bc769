/**
 * Locks on folders, so that two processes do not work in one. A lock is a file `.lock` that says who holds it. One whose
 * process has ended on this machine is taken over at once. A process of another machine cannot be asked: it rewrites its
 * lock every few seconds, and one that stays as it is for half a minute is taken over.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, open, readFile, rename, rm, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DotbiasError } from '../../base/errors.js';
import { isObject } from '../../base/json.js';
import { naming } from './errors.js';
import { atExit } from './exit.js';
import { temporaryPath } from './leftovers.js';
import { ownMark, type ProcessMark, stateOf } from './process-mark.js';

/** Milliseconds between two signs of life, and without one before a lock of another machine is taken over. */
const BEAT = 5000;
const PATIENCE = 30_000;

export const LOCK_FILE = '.lock';

/** A lock that this process holds. */
export interface FolderLock {
  /** Throws if another process took the lock over, as after this one was stopped for long. */
  check: () => Promise<void>;
  /** Gives the lock up. Calling it twice does nothing. */
  release: () => void;
}

interface Holder extends ProcessMark {
  host: string;
  token: string;
}

/** How a lock is waited for. */
export interface LockOptions {
  /** Told once when the holder is on another machine and has to be watched. */
  onWait?: ((sentence: string) => void) | undefined;
  /** Milliseconds after which a lock of another machine without a sign of life is taken over. Default 30,000. */
  patience?: number | undefined;
}

/** Locks a folder that exists. @throws DotbiasError if another process holds it; the file system's error */
export async function lockFolder(folder: string, { onWait, patience = PATIENCE }: LockOptions = {}): Promise<FolderLock> {
  const path = join(folder, LOCK_FILE);
  const own: Holder = { ...ownMark(), host: hostname(), token: randomUUID() };
  while (!create(path, own)) {
    const found = await look(path);
    if (found === undefined) continue; // given up meanwhile
    if (await holds(found, path, patience, onWait)) throw new DotbiasError(inUse(folder, found));
    await takeOver(path, found);
  }
  return hold(path, folder, own);
}

/**
 * Makes the lock file, which has its text from the first moment where the file system knows hard links; false if there is one.
 * Nothing is waited for, so that no signal ends the process between this and `hold`.
 */
function create(path: string, own: Holder): boolean {
  const temporary = temporaryPath(dirname(path));
  const text = JSON.stringify(own);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      writeFileSync(path, text, { flag: 'wx' });
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw naming(error, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** What file systems without hard links say. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'UNKNOWN'];

/** What a lock file says, and when it was last changed. */
interface Look {
  text: string;
  holder: Holder | undefined;
  changed: number;
}

/** Opens the file anew: a network file system then asks its server. */
async function look(path: string): Promise<Look | undefined> {
  try {
    // A link to nothing would be looked for again and again, and a FIFO waited for.
    if (!(await lstat(path)).isFile()) throw new DotbiasError(`${path} is not a file, so no lock: delete it.`);
    const file = await open(path, 'r');
    try {
      const [text, { mtimeMs }] = [await file.readFile('utf8'), await file.stat()];
      return { text, holder: parse(text), changed: mtimeMs };
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw naming(error, path);
  }
}

function parse(text: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(text);
    if (!isObject(holder)) return undefined;
    const { place, pid, start, host, token } = holder;
    const whole = [pid, start].every((value) => Number.isSafeInteger(value) && (value as number) >= 0) && pid !== 0;
    return whole && [place, host, token].every((value) => typeof value === 'string') ? (holder as unknown as Holder) : undefined;
  } catch {
    return undefined; // half written, or of something else
  }
}

/** Whether a lock is held by a process that runs. */
async function holds(seen: Look, path: string, patience: number, onWait: LockOptions['onWait']): Promise<boolean> {
  const state = seen.holder === undefined ? 'unknown' : stateOf(seen.holder);
  if (state !== 'unknown') return state === 'running';
  onWait?.(`${path} is a lock of ${who(seen)}: waiting ${Math.ceil(patience / 1000)} s for a sign of life.`);
  for (const until = Date.now() + patience; Date.now() < until;) {
    await sleep(Math.min(1000, patience / 4));
    const now = await look(path);
    if (now === undefined) return false;
    if (now.text !== seen.text || now.changed !== seen.changed) return true;
  }
  return false;
}

const who = ({ holder }: Look) => (holder === undefined ? 'an unknown process' : `process ${holder.pid} on ${JSON.stringify(holder.host)}`);

function inUse(folder: string, seen: Look): string {
  const advice = 'wait until that ends, or use another folder. If no such process runs, delete';
  return `${folder} is in use by ${who(seen)}: ${advice} ${join(folder, LOCK_FILE)}.`;
}

/** Removes a lock that nobody holds, unless somebody else was quicker: then the new one is put back. */
async function takeOver(path: string, seen: Look): Promise<void> {
  const aside = temporaryPath(dirname(path));
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== seen.text) await rename(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw naming(error, path);
  } finally {
    await rm(aside, { force: true });
  }
}

function hold(path: string, folder: string, own: Holder): FolderLock {
  const isOwn = (text: string) => parse(text)?.token === own.token;
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, BEAT);
  beat.unref();
  const release = () => {
    clearInterval(beat);
    keep();
    try {
      if (isOwn(readFileSync(path, 'utf8'))) rmSync(path);
    } catch {
      // Gone, or no longer ours to remove.
    }
  };
  const keep = atExit(release);
  const check = async () => {
    if (isOwn(await readFile(path, 'utf8').catch(() => ''))) return;
    throw new DotbiasError(`${folder} is no longer this run's: its ${LOCK_FILE} was removed or taken over by another process.`);
  };
  return { check, release };
}
