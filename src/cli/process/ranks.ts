/** A command in several processes that a launcher started, such as `mpirun -n 4 dotbias train ...`: rank 0 speaks for all. */
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Launcher, launcherOf } from '../../node/mpi/launcher.js';
import { openRing } from '../../node/mpi/open-ring.js';
import type { Ring } from '../../base/ring.js';
import { describeError, UsageError } from './errors.js';
import { note, noteLines, silence } from './terminal.js';

/** The commands that several ranks do together. */
const TOGETHER = ['train'];
/** How long the other ranks leave an error to rank 0, which may have the same and then ends them, in ms. */
const GRACE = 2000;

/** What started this process beside others; undefined where it is alone. */
function launcher(): Launcher | undefined {
  const found = launcherOf(process.env);
  return found && found.size > 1 ? found : undefined;
}

/** Sees to it that only rank 0 prints, and that an error nobody catches ends all ranks. Without a launcher it does nothing. */
export function joinRanks(): void {
  const found = launcher();
  if (found === undefined) return;
  if (found.rank > 0) silence();
  process.on('uncaughtException', (error) => void endWith(describeError(error)));
}

/** The ring of these ranks; rank 0 says for whom it waits. */
export function openRanks(): Promise<Ring> {
  return openRing({ onWait: (seconds, missing) => note(`Waiting for ${missing.join(', ')}: ${seconds} s so far.`) });
}

/** Refuses what several ranks cannot do together: most commands, and to read standard input, which the launcher gives rank 0 alone. */
export function checkRanks(command: Command): void {
  const found = launcher();
  if (found === undefined) return;
  const where = `this is rank ${found.rank} of ${found.size} of ${found.name}`;
  if (!TOGETHER.includes(command.name())) {
    const shard = command.options.some(({ long }) => long === '--shard') ? '; --shard divides its work' : '';
    throw new UsageError(`'dotbias ${command.name()}' runs in one process, and ${where}. Start it without a launcher${shard}.`);
  }
  for (const [name, value] of Object.entries(command.opts<Record<string, unknown>>())) {
    if (value !== '-') continue;
    const flag = command.options.find((option) => option.attributeName() === name)!.long;
    throw new UsageError(`${flag} - would read standard input, which only rank 0 has, and ${where}. Name files that every rank can read.`);
  }
}

/**
 * Prints an error. Beside other ranks it then ends this process, which ends them all: rank 0 at once, the others after a while in
 * which rank 0 may say the same, each with its number and its machine.
 */
export async function endWith(text: string): Promise<void> {
  const found = launcher();
  if (found !== undefined && found.rank > 0) await setTimeout(GRACE);
  noteLines(found !== undefined && found.rank > 0 ? `rank ${found.rank} on host ${hostname()}: ${text}` : text);
  if (found !== undefined) process.exit(1);
}
