/**
 * Runs the tests: every dist/test/**\/*.test.js whose path holds the pattern given, each in a process of its own.
 *
 * uvu by itself lets pass a file that forgot `test.run()`, a file in which no test ran, a pattern that matches nothing
 * and a file that ends before its tests do, and it waits for ever on one that hangs: each is a failure here.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../test/', import.meta.url));
const CONCURRENCY = 2;
const TIMEOUT_MS = Number(process.env['DOTBIAS_TEST_TIMEOUT'] ?? 300) * 1000;

interface Result {
  file: string;
  passed: number;
  failed: number;
  /** What was not run, in the file's own words, and what else it has to tell. */
  skipped: string[];
  notes: string[];
  output: string;
  seconds: number;
}

/** Compiled test files, without those whose source is gone. */
function testFiles(pattern: string): string[] {
  return readdirSync(here, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js') && file.includes(pattern) && existsSync(join(sources, sourceOf(file))))
    .sort();
}

const sourceOf = (file: string) => file.replace(/\.js$/, '.ts');

async function runFile(file: string): Promise<Result> {
  const started = performance.now();
  const refused = /^[^/*]*\btest\.run\(\);/m.test(readFileSync(join(sources, sourceOf(file)), 'utf8'))
    ? undefined
    : 'The file has no test.run().';
  const { output, problem } = refused === undefined ? await execute(join(here, file)) : { output: '', problem: refused };
  const count = (label: string) => Number(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? NaN);
  const [total, passed] = [count('Total'), count('Passed')];
  const lines = (start: string) => output.split('\n').filter((line) => line.startsWith(start));
  const [skipped, notes] = [lines('skipped:'), lines('note:')];
  for (let n = count('Skipped'); n > 0; n--) skipped.push('skipped: a test');
  const failed = total - passed - (count('Skipped') || 0);
  const why =
    failed > 0
      ? undefined
      : (problem ??
        (Number.isNaN(total) ? 'It ended before its tests did.' : total === 0 && skipped.length === 0 ? 'No test ran.' : undefined));
  return {
    file,
    skipped,
    notes,
    seconds: (performance.now() - started) / 1000,
    passed: passed || 0,
    failed: Math.max(failed || 0, why === undefined ? 0 : 1),
    output: why === undefined ? output : `${output}\n${why}\n`,
  };
}

/** Runs one file to its end, with what is wrong about the way it ended. */
function execute(path: string): Promise<{ output: string; problem: string | undefined }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let late = false;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (output += text));
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const problem = late
        ? `It did not end within ${TIMEOUT_MS / 1000} s.`
        : code !== 0
          ? `It ended with ${signal ?? `exit code ${code}`}.`
          : undefined;
      resolve({ output, problem });
    });
  });
}

const files = testFiles(process.argv[2] ?? '');
const waiting = [...files];
const totals = { passed: 0, failed: 0, skipped: 0 };

async function worker(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const { passed, failed, skipped, notes, output, seconds } = await runFile(file);
    totals.passed += passed;
    totals.failed += failed;
    totals.skipped += skipped.length;
    console.log(
      `${failed > 0 ? 'FAIL' : 'ok  '} ${relative('.', join(sources, sourceOf(file)))}  ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}  ${seconds.toFixed(1)} s`,
    );
    for (const notice of [...skipped, ...notes]) console.log(`     ${notice}`);
    if (failed > 0) console.log(output);
  }
}

await Promise.all(Array.from({ length: CONCURRENCY }, worker));
if (files.length === 0) {
  console.log(`FAIL no test file matches '${process.argv[2] ?? ''}'`);
  totals.failed = 1;
}
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
