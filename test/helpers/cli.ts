/** The command line in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { describeError } from '../../src/cli/process/errors.js';
import { plantedRatings } from '../../src/data/planted.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Commands that compute get the adapter that DOTBIAS_TEST_ADAPTER names, before a last option that lacks its value. */
function withAdapter([command = '', ...args]: readonly string[]): string[] {
  const name = process.env['DOTBIAS_TEST_ADAPTER'];
  const computes = ['train', 'reproduce', 'lr-find', 'evaluate', 'sweep', 'recommend', 'explain', 'serve'].includes(command);
  return [command, ...(name && computes && !args.includes('--adapter') ? ['--adapter', name] : []), ...args];
}

/** Runs `dotbias` to its end. */
export const dotbias = (...args: string[]): Promise<Ended> => runNode(MAIN, ...withAdapter(args));

/** Runs a program to its end. */
export async function runNode(...args: string[]): Promise<Ended> {
  const { child, stderr } = startNode(args);
  let stdout = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr: stderr() };
}

/** A program under way, and what it has written to stderr. */
export interface Started {
  child: ChildProcess;
  stderr: () => string;
}

/** Starts `dotbias`, to be watched and interrupted. */
export const startDotbias = (...args: string[]): Started => startNode([MAIN, ...withAdapter(args)]);

/** stderr is a file, as from a shell's `2>>`: on a socket, Node's own pipe, it is not filtered. */
function startNode(args: readonly string[]): Started {
  const file = join(temporaryFolder(), 'stderr');
  const fd = openSync(file, 'a');
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', fd] });
  closeSync(fd);
  return { child, stderr: () => readFileSync(file, 'utf8') };
}

/** An empty folder that goes when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dotbias-test-'));
  if (folders.push(folder) === 1) process.once('exit', () => folders.forEach((each) => rmSync(each, { recursive: true, force: true })));
  return folder;
}

const folders: string[] = [];

/** Writes 3,000 planted ratings of 120 items by 80 users as CSV. */
export function writeRatings(path: string): void {
  const { users, items, ratings } = plantedRatings({ nUsers: 80, nItems: 120, nRatings: 3000 }).columns;
  writeFileSync(path, `userId,itemId,rating\n${Array.from(users, (user, k) => `${user},${items[k]},${ratings[k]}\n`).join('')}`);
}

/** As `dotbias`, for one command, without a process of its own. Not two at a time: it catches what the console gets. */
export async function dotbiasHere(add: (program: Command) => void, ...args: string[]): Promise<Ended> {
  const ended: Ended = { code: 0, stdout: '', stderr: '' };
  const { log, error } = console;
  const program = new Command('dotbias').exitOverride().configureOutput({ writeErr: (text) => void (ended.stderr += text) });
  add(program);
  console.log = (text: string) => void (ended.stdout += `${text}\n`);
  console.error = (text: string) => void (ended.stderr += `${text}\n`);
  try {
    await program.parseAsync(withAdapter(args), { from: 'user' });
  } catch (reason) {
    ended.code = 1;
    if (!(reason instanceof CommanderError)) console.error(describeError(reason));
  } finally {
    Object.assign(console, { log, error });
  }
  return ended;
}
