/** Runs a rival: a program that does the work of a folder once, in a process of its own. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TUTORIAL } from '../workload.js';
import { OURS, type Run } from './compare.js';

/** A program in `rivals/` that does the work once and prints a `Run`. */
export interface Rival {
  name: string;
  file: string;
  /** What the program is told; for C++ also a name of the compiler's flags. */
  variant: string;
}

export const RIVALS: readonly Rival[] = [
  { name: OURS, file: 'dotbias.mjs', variant: 'lazy' },
  { name: 'dotbias, persistent', file: 'dotbias.mjs', variant: 'persistent' },
  { name: 'dotbias, dense', file: 'dotbias.mjs', variant: 'dense' },
  { name: 'C++ -O3', file: 'plain.cpp', variant: 'strict' },
  { name: 'C++ -O3 -ffast-math', file: 'plain.cpp', variant: 'fast' },
  { name: 'plain JavaScript', file: 'plain.mjs', variant: '' },
  { name: 'TensorFlow.js WebGPU', file: 'tensorflow.mjs', variant: 'webgpu' },
  { name: 'TensorFlow.js wasm', file: 'tensorflow.mjs', variant: 'wasm' },
  { name: 'jax-js WebGPU', file: 'jax.mjs', variant: 'webgpu' },
  { name: 'jax-js wasm', file: 'jax.mjs', variant: 'wasm' },
  { name: 'PyTorch, gradient by hand', file: 'pytorch.py', variant: 'hand' },
  { name: 'PyTorch, autograd', file: 'pytorch.py', variant: 'autograd' },
  { name: 'PyTorch CUDA, gradient by hand', file: 'pytorch.py', variant: 'hand-cuda' },
  { name: 'PyTorch CUDA, autograd', file: 'pytorch.py', variant: 'autograd-cuda' },
];

const CXX_FLAGS: Readonly<Record<string, readonly string[]>> = { strict: [], fast: ['-ffast-math'] };
/** A run may take so much longer than its training: to start, and to read a million ratings. */
const GRACE_SECONDS = { start: 20, perMillion: 6 };
/** Large blocks of memory are kept by glibc: what is given back to the system at each step has to be cleared anew by the next. */
const KEEP_MEMORY = { MALLOC_MMAP_THRESHOLD_: '33554432', MALLOC_TRIM_THRESHOLD_: '1073741824', MALLOC_TOP_PAD_: '67108864' };
const execute = promisify(execFile);

export interface RunOptions {
  /** Of the work, where compiled rivals are put as well. */
  folder: string;
  /** Training time after which a run stops. */
  seconds: string;
  adapter: string;
  nRatings: number;
}

/** @throws Error that says in a line why the rival cannot run */
export async function runOnce(rival: Rival, { folder, seconds, adapter, nRatings }: RunOptions): Promise<Run> {
  const grace = Math.round(GRACE_SECONDS.start + (GRACE_SECONDS.perMillion * nRatings) / 1e6);
  const [program, ...first] = await commandOf(rival, folder);
  try {
    const { stdout } = await execute(program, [...first, folder, rival.variant, seconds, adapter], {
      maxBuffer: 2 ** 26,
      timeout: 1000 * (grace + Number(seconds)),
      env: { ...process.env, ...KEEP_MEMORY },
    });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Run;
  } catch (error) {
    throw new Error(reasonOf(error as Error, grace), { cause: error });
  }
}

function reasonOf(error: Error & { killed?: boolean; stderr?: string }, grace = 0): string {
  const { killed, stderr = '', message } = error;
  if (killed) return `not done ${grace} s after its time was over`;
  if (stderr.includes('ERR_MODULE_NOT_FOUND')) return 'not installed: npm --prefix bench/peers install';
  const line = stderr.split('\n').find((each) => /error/i.test(each));
  return line?.trim().replace(/^Error: /, '') ?? message.split('\n')[0];
}

async function commandOf({ file, variant }: Rival, folder: string): Promise<[string, ...string[]]> {
  const program = fileURLToPath(new URL(`../../../bench/peers/rivals/${file}`, import.meta.url));
  if (file.endsWith('.py')) return [pythonWithTorch(), program];
  if (file.endsWith('.cpp')) return [await compiled(program, variant, folder)];
  return [process.execPath, program];
}

/** The program of a C++ file, compiled for this processor and number of factors by $CXX or c++. */
async function compiled(source: string, variant: string, folder: string): Promise<string> {
  const program = join(folder, variant);
  if (existsSync(program)) return program;
  const compiler = process.env['CXX'] ?? 'c++';
  const flags = ['-std=c++17', '-O3', '-march=native', ...CXX_FLAGS[variant], '-pthread', `-DFACTORS=${TUTORIAL.nFactors}`];
  try {
    await execute(compiler, [...flags, '-o', program, source]);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(missing ? `no compiler '${compiler}': install g++, or set CXX` : reasonOf(error as Error), { cause: error });
  }
  return program;
}

/** A Python that has PyTorch: $PYTHON, the first on the path, or the system's. */
function pythonWithTorch(): string {
  const candidates = [process.env['PYTHON'], 'python3', '/usr/bin/python3'].filter((each) => each !== undefined);
  for (const python of candidates) {
    try {
      execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore' });
      return python;
    } catch {
      continue;
    }
  }
  throw new Error(`no PyTorch in ${candidates.join(', ')}: apt-get install python3-torch, or set PYTHON`);
}
