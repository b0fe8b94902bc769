/**
 * Takes lines that native code writes to the stderr file descriptor out of it, where that can be done without harm.
 *
 * Node cannot duplicate a descriptor, but on Linux `/proc/self/fd/2` opens what stderr leads to once more. So stderr is
 * closed, a temporary file gets its number, being the lowest free one, and afterwards stderr is opened again. That is
 * left alone, and the lines appear, wherever something could be lost:
 *  - stderr is a socket, which cannot be opened again, or a file without O_APPEND: whoever shares its offset (`2>&1`, the
 *    shell's next command) would overwrite what is written through a second one;
 *  - Node's thread pool is at work, and could open a file in the microseconds in which the number 2 is free.
 * Other threads that open files cannot be seen from here: a program that has some, workers for instance, must not use it.
 */
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

const STDERR = 2;
const STDERR_PATH = '/proc/self/fd/2';
/** What may keep the event loop alive without using Node's thread pool. */
const HARMLESS = new Set(['TTYWrap', 'PipeWrap', 'TCPSocketWrap', 'TCPServerWrap', 'SignalWrap', 'ProcessWrap', 'Timeout', 'Immediate']);

/**
 * Runs synchronous `work`. What native code writes to stderr meanwhile appears after it, without the text that `unwanted`
 * (a global pattern) matches; where stderr is better left alone, all of it, at once.
 */
export async function filterStderr<T>(unwanted: RegExp, work: () => T): Promise<Awaited<T>> {
  const restore = (await threadPoolRests()) ? redirect() : undefined;
  if (restore === undefined) return await work();
  let result: T;
  try {
    result = work();
  } finally {
    const text = restore().replace(unwanted, '');
    if (text !== '') writeSync(STDERR, text);
  }
  return await result;
}

/** Whether nothing that runs can open a file; waits a little for what is about to end, such as the closing of a module's file. */
async function threadPoolRests(): Promise<boolean> {
  if (process.platform !== 'linux' || !isMainThread) return false;
  for (let turns = 0; turns < 20; turns++) {
    if (process.getActiveResourcesInfo().every((name) => HARMLESS.has(name))) return true;
    await setImmediate();
  }
  return false;
}

/** Sends stderr to a temporary file; the function returned undoes that and gives what was written. */
function redirect(): (() => string) | undefined {
  const open: number[] = [];
  let folder: string | undefined;
  const clean = () => {
    for (const fd of open) closeSync(fd);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const flags = flagsToReopen();
    if (flags === undefined) return undefined;
    // Holds what stderr leads to. Of a pipe it holds both ends: to open the writing end alone waits for a reader.
    open.push(openSync(STDERR_PATH, fstatSync(STDERR).isFIFO() ? constants.O_RDWR : flags));
    const path = `/proc/self/fd/${open[0]}`;
    folder = mkdtempSync(join(tmpdir(), 'dotbias-stderr-'));
    const file = join(folder, 'stderr');
    open.push(openSync(file, 'a+'));
    replaceStderr(file, 'a');
    return () => {
      replaceStderr(path, flags);
      const text = readFileSync(open[1]!, 'utf8');
      clean();
      return text;
    };
  } catch {
    clean();
    return undefined;
  }
}

/** Opens `path` under the number of stderr, or if that fails, as on a terminal that was closed, nothing that says so. */
function replaceStderr(path: string, flags: string | number): void {
  closeSync(STDERR);
  try {
    openSync(path, flags);
  } catch {
    openSync('/dev/null', 'a');
  }
}

/** The flags that stderr was opened with; undefined where it should not be opened again. */
function flagsToReopen(): number | undefined {
  for (const fd of [0, 1]) fstatSync(fd); // throws if it is closed: a file opened next would get its number, not stderr's
  const stats = fstatSync(STDERR);
  const flags = parseInt(/^flags:\s*(\d+)/m.exec(readFileSync('/proc/self/fdinfo/2', 'utf8'))![1]!, 8);
  const { O_APPEND, O_NOCTTY, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;
  if (!(stats.isCharacterDevice() || stats.isFIFO() || (stats.isFile() && flags & O_APPEND))) return undefined;
  return (flags & (O_WRONLY | O_RDWR | O_APPEND | O_NONBLOCK)) | O_NOCTTY;
}
