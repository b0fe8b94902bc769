/** `npm run bench:peers`: dotbias and its rivals at the same work, in turns. See docs/bench.md. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { openAdapter } from '../../src/node/device/adapter.js';
import { writeFileAtomic } from '../../src/node/disk/files.js';
import { spread, summarise } from '../measure.js';
import { environment, machine, render, resultFile, type Section } from '../report.js';
import { EPOCHS, openWorkload } from '../workload.js';
import { type Work, writeWork } from './work.js';

/** A program in `rivals/` that does the work once and prints a `Run`. */
interface Rival {
  name: string;
  file: string;
  variant: string;
}

/** What a rival prints. */
interface Run {
  device: string;
  nSteps: number;
  seconds: number;
  /** From the start of the program to the end of its second step. */
  startSeconds: number;
  /** On the validation set after the last step; null if it was stopped before. */
  mse: number | null;
  losses: number[];
}

const OURS = 'dotbias';
const RIVALS: readonly Rival[] = [
  { name: OURS, file: 'dotbias.mjs', variant: 'lazy' },
  { name: 'dotbias, persistent', file: 'dotbias.mjs', variant: 'persistent' },
  { name: 'dotbias, dense', file: 'dotbias.mjs', variant: 'dense' },
  { name: 'plain JavaScript', file: 'plain.mjs', variant: '' },
  { name: 'TensorFlow.js WebGPU', file: 'tensorflow.mjs', variant: 'webgpu' },
  { name: 'TensorFlow.js wasm', file: 'tensorflow.mjs', variant: 'wasm' },
  { name: 'jax-js WebGPU', file: 'jax.mjs', variant: 'webgpu' },
  { name: 'jax-js wasm', file: 'jax.mjs', variant: 'wasm' },
  { name: 'PyTorch, gradient by hand', file: 'pytorch.py', variant: 'hand' },
  { name: 'PyTorch, autograd', file: 'pytorch.py', variant: 'autograd' },
];

const { values: flags } = parseArgs({
  options: {
    adapter: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    batch: { type: 'string', multiple: true, default: ['64', '4096'] },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(`npm run bench:peers -- [options]
  --adapter NAME  as in npm run bench
  --rounds N      turns of each rival (default 3)
  --seconds S     training time after which a run is stopped and extrapolated (default 8)
  --batch N       batch size; may be given several times (default 64 and 4096)
  --only NAME     rivals whose name contains this; may be given several times
  --json FILE     also write the results there`);
} else {
  await main().catch((error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  });
}

async function main(): Promise<void> {
  const start = performance.now();
  const { info } = await openAdapter({ quiet: true, name: flags.adapter || undefined });
  const about = environment(info, 'wall clock');
  const workload = await openWorkload();
  console.log(`dotbias against its peers: ${info.description}`);
  console.log(machine(about));
  console.log(`Data: ${workload.source}`);

  const wanted = RIVALS.filter(
    ({ name }) => name === OURS || !flags.only || flags.only.some((part) => name.toLowerCase().includes(part.toLowerCase())),
  );
  const sections: Section[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'dotbias-peers-'));
  try {
    for (const batchSize of flags.batch.map(Number)) {
      const work = await writeWork(folder, workload, batchSize);
      const section = compare(work, await takeTurns(wanted, folder));
      sections.push(section);
      console.log(render(section));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const result = { environment: about, options: flags, sections, seconds: (performance.now() - start) / 1000 };
  const kept = fileURLToPath(new URL(`../../../bench/results/${resultFile(about, 'peers-')}`, import.meta.url));
  for (const file of [...(flags.json !== undefined ? [flags.json] : []), ...(flags.only ? [] : [kept])]) {
    await writeFileAtomic(file, `${JSON.stringify(result, null, 1)}\n`);
    console.log(`Results: ${file}`);
  }
}

/** The runs of each rival in each round, or why it cannot run. Every round begins with another rival. */
async function takeTurns(rivals: readonly Rival[], folder: string): Promise<Map<Rival, Run[] | string>> {
  const found = new Map<Rival, Run[] | string>(rivals.map((rival) => [rival, []]));
  for (let round = 0; round < Number(flags.rounds); round++) {
    const order = rivals.map((_, i) => rivals[(i + round) % rivals.length]);
    for (const rival of order) {
      const runs = found.get(rival)!;
      if (typeof runs === 'string') continue;
      try {
        runs.push(await runOnce(rival, folder));
      } catch (error) {
        found.set(rival, (error as Error).message);
      }
    }
  }
  return found;
}

async function runOnce({ file, variant }: Rival, folder: string): Promise<Run> {
  const program = fileURLToPath(new URL(`../../../bench/peers/rivals/${file}`, import.meta.url));
  const interpreter = file.endsWith('.py') ? pythonWithTorch() : process.execPath;
  try {
    const { stdout } = await promisify(execFile)(interpreter, [program, folder, variant, flags.seconds, flags.adapter], {
      maxBuffer: 2 ** 26,
      timeout: 300_000,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Run;
  } catch (error) {
    const { killed, stderr = '', message } = error as Error & { killed?: boolean; stderr?: string };
    if (killed) throw new Error('not done after 300 s', { cause: error });
    if (/ERR_MODULE_NOT_FOUND/.test(stderr)) throw new Error('not installed: npm --prefix bench/peers install', { cause: error });
    throw new Error(
      stderr
        .split('\n')
        .find((line) => /Error|error/.test(line))
        ?.trim() ?? message,
      { cause: error },
    );
  }
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

function compare(work: Work, found: Map<Rival, Run[] | string>): Section {
  const ours = [...found].find(([{ name }]) => name === OURS)![1];
  if (typeof ours === 'string') throw new Error(`dotbias itself failed: ${ours}`);
  const us = ({ seconds, nSteps }: Run) => (1e6 * seconds) / nSteps;
  const rows = [...found].map(([{ name }, runs]): Section['rows'][number] => {
    if (typeof runs === 'string') return { name, device: `cannot run: ${runs}` };
    const timing = summarise(runs.map(us));
    const [{ device, nSteps, losses }] = runs;
    const mse = runs.find((run) => run.mse !== null)?.mse ?? undefined;
    return {
      name,
      'us per step': timing.median,
      spread: spread(timing),
      'times dotbias': summarise(runs.map((run, round) => us(run) / us(ours[Math.min(round, ours.length - 1)]))).median,
      [`${EPOCHS} epochs, s`]: `${((timing.median * work.nSteps) / 1e6).toPrecision(3)}${mse === undefined ? ' (extrapolated)' : ''}`,
      'steps run': nSteps,
      'start, s': summarise(runs.map(({ startSeconds }) => startSeconds)).median,
      'valid MSE': mse?.toFixed(4) ?? '',
      'losses off by': largestDifference(losses, ours[0].losses),
      device,
    };
  });
  const { name: set, batchSize, nSteps: all, nFactors } = work;
  return {
    title: `${set}, batch ${batchSize}, ${nFactors} factors, ${EPOCHS} epochs, ${all.toLocaleString('en')} steps`,
    notes: [
      `Median of ${flags.rounds} rounds in turns, each in a process of its own; times dotbias: median of the rounds' ratios.`,
      'All have the same starting tables, batches and schedule.',
      'Losses off by: the largest difference from the loss of dotbias at the same step, over the steps run.',
    ],
    rows,
  };
}

/** Over the steps that both made, relative to the loss. */
function largestDifference(losses: readonly number[], ours: readonly number[]): number {
  const steps = Math.min(losses.length, ours.length);
  if (steps === 0) return NaN;
  return Math.max(...losses.slice(0, steps).map((loss, step) => Math.abs(loss - ours[step]) / ours[step]));
}
