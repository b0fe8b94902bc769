/** Tells a process from every other, so that what it left behind can be told from what it still uses. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process it was. */
export interface ProcessMark {
  /** Where its number counts: a hash of the host's name, this start of the system, and the container. */
  place: string;
  pid: number;
  /** When it started, in ticks since the system started; a process number may be given again. 0 where that is not known. */
  start: number;
}

/** The mark of this process. */
export function ownMark(): ProcessMark {
  mark ??= { place: placeOf(), pid: process.pid, start: startOf(process.pid) ?? 0 };
  return mark;
}

let mark: ProcessMark | undefined;

/** Whether a process still runs. 'unknown': it ran elsewhere, on another host or in another container. */
export function stateOf({ place, pid, start }: ProcessMark): 'running' | 'ended' | 'unknown' {
  if (place !== ownMark().place) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'ended';
  }
  const now = startOf(pid);
  return now !== undefined && start !== 0 && now !== start ? 'ended' : 'running';
}

function placeOf(): string {
  const attempt = (read: () => string) => {
    try {
      return read();
    } catch {
      return '';
    }
  };
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  const container = attempt(() => readlinkSync('/proc/self/ns/pid'));
  return createHash('sha256').update([hostname(), boot, container].join('\n')).digest('hex').slice(0, 8);
}

/** Field 22 of /proc/PID/stat, see proc(5); undefined where there is none. A process that only waits to be collected has ended: -1. */
function startOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? -1 : Number(fields[19]);
  } catch {
    return undefined;
  }
}
