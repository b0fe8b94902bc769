/** Runs a program of this folder in a process of its own, or in several. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface Finished<T> {
  /** What the program printed, read as JSON. */
  result: T;
  /** From its start to its end. */
  seconds: number;
  stderr: string;
}

/** @param program its file, beside this one and compiled: 'fit-once.js' */
export function inOwnProcess<T>(program: string, ...args: string[]): Promise<Finished<T>> {
  return finished(process.execPath, [fileOf(program), ...args]);
}

/** Runs a program on `n` ranks, of which one prints the result. @param launcher `mpirun` and its options */
export function onRanks<T>([command, ...options]: readonly string[], n: number, program: string, ...args: string[]): Promise<Finished<T>> {
  return finished(command, [...options, '-n', String(n), process.execPath, fileOf(program), ...args]);
}

const fileOf = (program: string) => fileURLToPath(new URL(program, import.meta.url));

async function finished<T>(command: string, args: readonly string[]): Promise<Finished<T>> {
  const start = performance.now();
  const { stdout, stderr } = await promisify(execFile)(command, args, { maxBuffer: 2 ** 24 });
  return { result: JSON.parse(stdout) as T, seconds: (performance.now() - start) / 1000, stderr };
}
