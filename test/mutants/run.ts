/**
 * How many small faults the tests notice: `npm run test:mutants -- [--count 200] [--seed 1] [--only PATTERN]
 * [--minutes 30] [--root FOLDER]`, where another tree, built, can stand in that folder.
 *
 * Takes lines of the compiled code at random, puts one fault into each (mutants.ts) and runs the test files that ought to
 * notice (suites.ts) until one does, in copies of the tree: nothing in the checkout changes. A mutant survives if all of
 * them pass. Those that no test can notice are listed in equivalent.json, each with its reason.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomSource } from '../helpers/random.js';
import { Copy } from './copy.js';
import { mutantsOf, type Mutant } from './mutants.js';
import { readGraph, suitesOf } from './suites.js';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    minutes: { type: 'string', default: '30' },
    root: { type: 'string', default: fileURLToPath(new URL('../../..', import.meta.url)) },
  },
});
const { root } = values;
const [count, seed, minutes] = [Number(values.count), Number(values.seed), Number(values.minutes)];
const WORKERS = 2;

interface Candidate extends Mutant {
  file: string;
  source: string;
}

/** At most one mutant of a line: every line of code counts the same, however many numbers it holds. */
function sample(files: readonly string[]): Candidate[] {
  const random = randomSource(seed);
  const lines = files.flatMap((file) => {
    const source = readFileSync(join(root, 'dist', file), 'utf8');
    const ofLine = new Map<number, Candidate[]>();
    for (const mutant of mutantsOf(source)) {
      const line = source.slice(0, mutant.start).split('\n').length;
      ofLine.set(line, [...(ofLine.get(line) ?? []), { ...mutant, file, source }]);
    }
    return [...ofLine.values()];
  });
  return lines
    .map((mutants): [number, Candidate] => [random(), mutants[Math.floor(random() * mutants.length)]!])
    .sort(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, mutant]) => mutant);
}

const mutated = ({ source, start, end, text }: Candidate) => source.slice(0, start) + text + source.slice(end);

/** Where the mutant is in the source, and its lines before and after. */
function describe(mutant: Candidate) {
  const { file, source, start, text } = mutant;
  const line = source.slice(0, start).split('\n').length - 1;
  const column = start - source.lastIndexOf('\n', start - 1) - 1;
  const map = new SourceMap(JSON.parse(readFileSync(join(root, 'dist', `${file}.map`), 'utf8')));
  // A template is mapped as one: within it, lines go on as they do here.
  const entry = map.findEntry(line, column) as { originalLine?: number; generatedLine?: number };
  const from = source.lastIndexOf('\n', start - 1) + 1;
  const until = (of: string, at: number) => of.slice(from, (of + '\n').indexOf('\n', at)).trim();
  return {
    file: file.replace(/\.js$/, '.ts'),
    line: line + 1 + (entry.originalLine ?? 0) - (entry.generatedLine ?? 0),
    before: until(source, mutant.end),
    after: until(mutated(mutant), start + text.length),
  };
}

/** Runs `work` on all of `items`, WORKERS at a time. */
async function inParallel<T>(items: Iterable<T>, work: (item: T, worker: number) => Promise<void>): Promise<void> {
  const queue = [...items].values();
  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      for (const item of queue) await work(item, worker);
    }),
  );
}

const started = performance.now();
const elapsed = () => (performance.now() - started) / 60_000;
const folder = mkdtempSync(join(tmpdir(), 'dotbias-mutants-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
const clean = new Copy(root, join(folder, 'clean'));
const copies = Array.from({ length: WORKERS }, (_, k) => new Copy(root, join(folder, `copy${k}`)));

const graph = readGraph(root);
const mutants = sample([...graph.keys()].filter((file) => !file.startsWith('test/') && file.includes(values.only)).sort());
const nearest = new Map(mutants.map(({ file }) => [file, suitesOf(file, graph)]));

const seconds = new Map<string, number>();
await inParallel(new Set([...nearest.values()].flatMap((suites) => suites.map(([suite]) => suite))), async (suite) => {
  let result = await clean.run(suite, 300);
  if (result.failed > 0) result = await clean.run(suite, 300); // a busy machine may have been too slow
  if (result.passed > 0 && result.failed === 0) seconds.set(suite, result.seconds);
  else if (result.failed > 0) console.log(`${suite} fails without a mutant and is left out.`);
});
console.log(`${mutants.length} mutants, ${seconds.size} test files, ${elapsed().toFixed(1)} minutes`);

/** The test files that a mutant is run against: the nearest first, and of those the quickest. */
const suitesFor = (file: string) =>
  nearest
    .get(file)!
    .filter(([suite]) => seconds.has(suite))
    .sort(([a, close], [b, far]) => close - far || seconds.get(a)! - seconds.get(b)!)
    .map(([suite]) => suite);

const nameOf = (suite: string) => relative('test', suite).replace(/\.test\.js$/, '');

const listed: { file: string; before: string; after: string; reason: string }[] = JSON.parse(
  readFileSync(new URL('../../../test/mutants/equivalent.json', import.meta.url), 'utf8'),
);
const totals = { killed: 0, survived: 0, equivalent: 0, notRun: 0 };

await inParallel(mutants, async (mutant, worker) => {
  const copy = copies[worker]!;
  const { file, line, before, after } = describe(mutant);
  if (listed.some((known) => known.file === file && known.before === before && known.after === after)) return void totals.equivalent++;
  if (elapsed() > minutes) return void totals.notRun++;
  copy.clear(clean);
  copy.write(mutant.file, mutated(mutant));
  const suites = suitesFor(mutant.file);
  let verdict = '';
  for (const suite of suites) {
    const { failed, output } = await copy.run(suite, Math.max(60, 5 * seconds.get(suite)!));
    if (failed > 0) {
      verdict = `killed by ${nameOf(suite)}${/\nIt did not end within .*\n$/.test(output) ? ', which did not end' : ''}`;
      break;
    }
  }
  copy.write(mutant.file, mutant.source);
  totals[verdict ? 'killed' : 'survived']++;
  console.log(verdict || `SURVIVED ${suites.map(nameOf).join(', ') || 'for want of a test'}`);
  console.log(`  ${file}:${line}\n  - ${before}\n  + ${after}`);
});

const { killed, survived, equivalent, notRun } = totals;
if (notRun > 0) console.log(`${notRun} were not run within ${minutes} minutes.`);
console.log(
  `${killed} of ${killed + survived} mutants killed (${((100 * killed) / (killed + survived)).toFixed(1)} %), ` +
    `${survived} survived, ${equivalent} equivalent, ${elapsed().toFixed(1)} minutes`,
);
