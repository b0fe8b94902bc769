import { leave } from '../../node/disk/exit.js';

/** The signals that ask a program to end: Ctrl-C, a scheduler or `docker stop`, a terminal that was closed. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Name = keyof typeof EXIT_CODES;
const NAMES = Object.keys(EXIT_CODES) as Name[];

/** Tells work that it should come to an end. */
export interface Interrupt {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The exit code of a program that this signal ended: 128 and its number. Undefined while there was none. */
  readonly exitCode: number | undefined;
}

/**
 * Runs `work`, which the first Ctrl-C, SIGTERM or SIGHUP asks to end; it may still save what it has. A second signal ends
 * the process at once.
 *
 * @param names the signals that end it. A signal that is not among them is left to `work`
 */
export async function interruptible<T>(work: (interrupt: Interrupt) => Promise<T>, names: readonly Name[] = NAMES): Promise<T> {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const onSignal = (name: Name) => {
    if (exitCode !== undefined) return endBy(name);
    exitCode = EXIT_CODES[name];
    controller.abort();
  };
  for (const name of names) process.on(name, onSignal);
  interruptibles++;
  try {
    return await work({
      signal: controller.signal,
      get exitCode() {
        return exitCode;
      },
    });
  } finally {
    interruptibles--;
    for (const name of names) process.off(name, onSignal);
  }
}

let interruptibles = 0;

/** Sees to it that a signal that finds nothing interruptible leaves no temporary files and no locks when it ends the process. */
export function cleanUpOnSignals(): void {
  for (const name of NAMES) process.on(name, () => void (interruptibles === 0 && endBy(name)));
}

/** Ends the process as the signal does where nobody listens. */
function endBy(name: Name): void {
  leave();
  for (const each of NAMES) process.removeAllListeners(each);
  process.kill(process.pid, name);
}
