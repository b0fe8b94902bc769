/**
 * Ranks for tests: mpirun of Open MPI and mpiexec of MPICH. `DOTBIAS_TEST_MPI` names the folder in which `.ci/mpi/unpack` put
 * them; without it, those of the system are taken. koffi is the one of `.ci/mpi`, or any that Node finds.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type Kind = 'openmpi' | 'mpich';

export interface Job {
  /** As a shell has it: 137 for a signal 9. */
  code: number;
  /** Lines of standard output and standard error, those of the launcher included. */
  lines: string[];
  output: string;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const koffiPath = [join(root, '.ci/mpi/node_modules'), ...(process.env['NODE_PATH'] ?? '').split(delimiter)].filter(Boolean);
const NAMES = { openmpi: 'Open MPI', mpich: 'MPICH' };
const COMMANDS = { openmpi: ['mpirun.openmpi', 'mpirun'], mpich: ['mpiexec.mpich', 'mpiexec'] };
const VERSIONS = { openmpi: /open ?mpi|openrte/i, mpich: /hydra|mpich/i };
/** On a machine with fewer cores than ranks: they share cores, and who waits gives its core away. */
const OPTIONS = { openmpi: '--oversubscribe --bind-to none --mca mpi_yield_when_idle 1'.split(' '), mpich: [] };
const SECONDS = 60;

/** Commands for a shell that sets the variables of an MPI unpacked by `.ci/mpi/unpack`, if there is one. */
function setUp(kind: Kind): string {
  const file = join(process.env['DOTBIAS_TEST_MPI'] ?? '', `${kind}.env`);
  return process.env['DOTBIAS_TEST_MPI'] !== undefined && existsSync(file) ? `. ${JSON.stringify(file)}; ` : '';
}

function commandOf(kind: Kind): string | undefined {
  return COMMANDS[kind].find((command) => {
    const { stdout, status } = spawnSync('bash', ['-c', `${setUp(kind)}${command} --version`], { encoding: 'utf8' });
    return status === 0 && VERSIONS[kind].test(stdout);
  });
}

/** Why no ranks can be started here, undefined if they can. */
export function whyNoRanks(kind: Kind): string | undefined {
  if (commandOf(kind) === undefined) return `${NAMES[kind]} is not here (.ci/mpi/unpack FOLDER, then DOTBIAS_TEST_MPI=FOLDER)`;
  try {
    createRequire(import.meta.url).resolve('koffi', { paths: koffiPath.map((path) => join(path, '..')) });
    return undefined;
  } catch {
    return 'koffi is not here (npm --prefix .ci/mpi ci --ignore-scripts)';
  }
}

/**
 * Runs a compiled program of dist on several ranks.
 *
 * @param env also `beside`, the other MPI, whose library is to be found as well
 */
export async function ranks(kind: Kind, n: number, [program, ...args]: string[], env: NodeJS.ProcessEnv = {}, beside?: Kind): Promise<Job> {
  const command = [commandOf(kind)!, ...OPTIONS[kind], '-n', String(n), process.execPath, join(root, 'dist', program), ...args];
  const child = spawn('bash', ['-c', `${beside ? setUp(beside) : ''}${setUp(kind)}exec "$@"`, 'bash', ...command], {
    env: { ...process.env, NODE_PATH: koffiPath.join(delimiter), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (output += text));
  let late = false;
  const timer = globalThis.setTimeout(() => {
    late = true;
    process.kill(-child.pid!, 'SIGKILL');
  }, SECONDS * 1000);
  const code = await new Promise<number>((done) =>
    child.on('close', (status, signal) => done(status ?? (signal === 'SIGKILL' ? 137 : 143))),
  );
  clearTimeout(timer);
  if (late) throw new Error(`The job did not end within ${SECONDS} s:\n${output}`);
  return { code, output, lines: output.split('\n').filter((line) => line !== '') };
}

/** Waits until none of these processes is left. */
export async function allGone(pids: readonly number[]): Promise<void> {
  for (let i = 0; pids.some(isAlive); i++) {
    if (i === 200) throw new Error(`Processes are left: ${pids.filter(isAlive).join(', ')}.`);
    await setTimeout(100);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
