/**
 * Runs the tests, each file in a process of its own: `node dist/test/run.js [--device] [PATTERN]`
 *
 * A file runs if its path holds PATTERN; with --device only if it uses a device itself, and not just through the command line.
 * The adapter is the best there is or the one that DOTBIAS_TEST_ADAPTER names. Where there is none, tests of it fail, unless
 * DOTBIAS_TEST_SKIP is `no-adapter`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importsOf } from './helpers/imports.js';
import { runFile } from './helpers/run-file.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const CONCURRENCY = 2;
const timeoutSeconds = Number(process.env['DOTBIAS_TEST_TIMEOUT'] ?? 300);
/** What opens a device. A test file uses one itself if its imports reach one of these. */
const DEVICE_HELPERS = ['gpu', 'device'].map((name) => `test/helpers/${name}.js`);

/** Files that use a device through programs that they start; the helpers tell them whether there is one. */
const THROUGH_PROGRAMS = ['test/cli/', 'test/consumers.'];

const USAGE = `npm test -- [--device] [PATTERN]
  --device   only files that use a device themselves
  PATTERN    only files whose path holds it, such as test/train or answer/fold-in`;

function readArguments() {
  try {
    const device = { type: 'boolean', default: false } as const;
    const help = { type: 'boolean', default: false } as const;
    return parseArgs({ options: { device, help }, allowPositionals: true });
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(1);
  }
}

const { values, positionals } = readArguments();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const pattern = positionals[0] ?? '';
/** Compiled test files, without those whose source is gone. */
const files = readdirSync(join(root, 'dist/test'), { recursive: true, encoding: 'utf8' })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith('.test.js') && existsSync(join(root, sourceOf(file))))
  .filter((file) => sourceOf(file).includes(pattern) && (!values.device || usesDevice(file)))
  .sort();

function sourceOf(file: string): string {
  return file.replace(/\.js$/, '.ts');
}

function usesDevice(file: string, seen = new Set<string>()): boolean {
  if (THROUGH_PROGRAMS.some((start) => file.startsWith(start))) return false;
  if (DEVICE_HELPERS.includes(file)) return true;
  if (!file.startsWith('test/') || seen.has(file)) return false;
  seen.add(file);
  return importsOf(file, readFileSync(join(root, 'dist', file), 'utf8')).some((target) => usesDevice(target, seen));
}

const totals = { passed: 0, failed: 0, skipped: 0 };

async function worker(queue: Iterable<string>): Promise<void> {
  for (const file of queue) {
    const { passed, failed, skipped, notes, output, seconds } = await runFile(join(root, 'dist', file), { timeoutSeconds });
    totals.passed += passed;
    totals.failed += failed;
    totals.skipped += skipped.length;
    const counts = `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}`;
    console.log(`${failed > 0 ? 'FAIL' : 'ok  '} ${sourceOf(file)}  ${counts}  ${seconds.toFixed(1)} s`);
    for (const notice of [...skipped, ...notes]) console.log(`     ${notice}`);
    if (failed > 0) console.log(output);
  }
}

const queue = files.values();
await Promise.all(Array.from({ length: CONCURRENCY }, () => worker(queue)));
if (files.length === 0) {
  console.log(`FAIL no test file ${values.device ? 'that uses a device ' : ''}matches '${pattern}'`);
  totals.failed = 1;
}
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
