/**
 * Everything worth knowing of a GPU that is there for some minutes only, in one command: is every way of stepping right on it, what
 * can it do at best, what do steps cost, and what do others cost. See docs/bench.md.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openAdapter } from '../src/node/device/adapter.js';
import { writeFileAtomic } from '../src/node/disk/files.js';
import { environment, machine, resultFile } from './report.js';

interface Part {
  name: string;
  /** A compiled program of ours, and its arguments. */
  program: string;
  args: readonly string[];
  /** After which it is stopped. */
  limitSeconds: number;
}

/** How a part ended, and what it said. */
interface Outcome {
  name: string;
  command: string;
  outcome: 'done' | 'failed' | 'stopped' | 'no time left';
  seconds: number;
  /** What it wrote with --json. */
  result?: unknown;
  output: string;
}

const part = (name: string, limitSeconds: number, program: string, args: string): Part => ({
  name,
  program,
  args: args.split(' '),
  limitSeconds,
});

/** What decides comes first. */
const PARTS: readonly Part[] = [
  part('tests: golden, fusion', 90, 'test/run', '--device test/steps/stepper'),
  part('tests: lazy steps', 60, 'test/run', '--device test/steps/lazy'),
  part('tests: batches of the device', 40, 'test/run', '--device test/steps/device'),
  part('tests: kernels of lazy steps', 40, 'test/run', '--device test/shaders/train/lazy'),
  part('ceilings', 40, 'bench/main', '--only ceilings'),
  part('ways of stepping', 70, 'bench/main', '--only variants'),
  part('ML-25M', 150, 'bench/main', '--only batch --set ml-25m --batch 65536 --factors 40 --factors 64 --factors 128'),
  part('ML-100K', 60, 'bench/main', '--only batch --set ml-100k --factors 40 --factors 64'),
  part('tutorial', 40, 'bench/main', '--only tutorial'),
  part('peers', 120, 'bench/peers/main', '--rounds 1 --set ml-100k --set ml-1m --only CUDA --only C++'),
  part('host', 40, 'bench/main', '--only host --set ml-100k'),
];

const { values: flags } = parseArgs({
  options: {
    adapter: { type: 'string', default: '' },
    minutes: { type: 'string', default: '9.5' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(`node dist/bench/gpu-day.js [options]
  --adapter NAME  as in npm run bench
  --minutes N     time for all parts together (default 9.5)
  --quick         smaller sizes, fewer repeats and three times the time for each part, to rehearse it on a software adapter
  --only NAME     parts whose name contains this; may be given several times
  --json FILE     where to keep the results (default: in bench/results); written after every part`);
} else {
  await main().catch((error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  });
}

async function main(): Promise<void> {
  const end = performance.now() + 60_000 * Number(flags.minutes);
  const { info } = await openAdapter({ quiet: true, name: flags.adapter || undefined });
  const about = environment(info, 'see the parts');
  const file = flags.json ?? fileURLToPath(new URL(`../../bench/results/${resultFile(about, 'gpu-day-')}`, import.meta.url));
  console.log(`${info.description}\n${machine(about)}`);

  const parts: Outcome[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'dotbias-gpu-day-'));
  for (const each of PARTS.filter(({ name }) => flags.only === undefined || flags.only.some((text) => name.includes(text)))) {
    const limit = each.limitSeconds * (flags.quick ? 3 : 1);
    const outcome = await run(each, Math.min(limit, (end - performance.now()) / 1000), info.name, folder);
    parts.push(outcome);
    console.log(`\n== ${outcome.name}: ${outcome.outcome}, ${outcome.seconds.toFixed(0)} s\n${outcome.output}`);
    await writeFileAtomic(file, `${JSON.stringify({ environment: about, options: flags, parts }, null, 1)}\n`);
  }
  await rm(folder, { recursive: true });
  console.log(
    `\n${parts.map(({ name, outcome, seconds }) => `${outcome}: ${name}, ${seconds.toFixed(0)} s`).join('\n')}\nResults: ${file}`,
  );
  if (parts.some(({ outcome }) => outcome !== 'done')) process.exitCode = 1;
}

/** Runs a part in a process of its own: it may hang or crash as it likes. */
async function run({ name, program, args }: Part, seconds: number, adapter: string, folder: string): Promise<Outcome> {
  const isTest = program === 'test/run';
  const json = join(folder, 'part.json');
  await rm(json, { force: true });
  const all = [
    ...args.map((text) => (flags.quick && text === 'ml-25m' ? 'ml-1m' : text)),
    ...(isTest ? [] : ['--adapter', adapter, '--json', json]),
  ];
  if (flags.quick && program === 'bench/main') all.push('--quick');
  if (flags.quick && program === 'bench/peers/main') all.push('--seconds', '0.2');
  const outcome: Outcome = { name, command: [program, ...all].join(' '), outcome: 'no time left', seconds: 0, output: '' };
  if (seconds < 5) return outcome;

  const start = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../${program}.js`, import.meta.url)), ...all], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // with a process group of its own, so that its children end with it
    env: { ...process.env, ...(isTest && { DOTBIAS_TEST_ADAPTER: adapter }) },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (outcome.output += text));
  }
  const timer = setTimeout(() => {
    outcome.outcome = 'stopped';
    process.kill(-child.pid!, 'SIGKILL');
  }, 1000 * seconds);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  outcome.seconds = (performance.now() - start) / 1000;
  outcome.output = outcome.output.replace(`Results: ${json}\n`, ''); // its results are in ours, and that file goes away
  if (outcome.outcome !== 'stopped') outcome.outcome = code === 0 ? 'done' : 'failed';
  const text = await readFile(json, 'utf8').catch(() => undefined);
  if (text !== undefined) outcome.result = JSON.parse(text);
  return outcome;
}
