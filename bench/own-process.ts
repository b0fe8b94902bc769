/** Runs a program of this folder in a process of its own. */
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
export async function inOwnProcess<T>(program: string, ...args: string[]): Promise<Finished<T>> {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const start = performance.now();
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...args], { maxBuffer: 2 ** 24 });
  return { result: JSON.parse(stdout) as T, seconds: (performance.now() - start) / 1000, stderr };
}
