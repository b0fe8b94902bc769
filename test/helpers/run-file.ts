/** One compiled test file in a process of its own, and what came of it. */
import { spawn, type ChildProcess } from 'node:child_process';

export interface FileResult {
  passed: number;
  /** At least 1 if the file ended in any other way than with all of its tests passed. */
  failed: number;
  /** What was not run, in the file's own words, and what else it has to tell. */
  skipped: string[];
  notes: string[];
  /** All that it printed, and why it failed where that says nothing of it. */
  output: string;
  seconds: number;
}

export interface RunFileOptions {
  timeoutSeconds: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** What a file prints that ends before its tests do because there is no adapter for them to run on. */
export const SKIPPED_WITHOUT_ADAPTER = 'skipped: tests that need an adapter';

/**
 * Runs one file to its end.
 *
 * uvu by itself lets pass a file that forgot `test.run()`, a file in which no test ran and a file that ends before its
 * tests do, and it waits for ever on one that hangs: each is a failure here.
 */
export async function runFile(path: string, options: RunFileOptions): Promise<FileResult> {
  const started = performance.now();
  const { output, problem } = await execute(path, options);
  const count = (label: string) => Number(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? NaN);
  const [total, passed, nSkipped] = [count('Total'), count('Passed') || 0, count('Skipped') || 0];
  const lines = (start: string) => output.split('\n').filter((line) => line.startsWith(start));
  const skipped = [...lines('skipped:'), ...Array.from({ length: nSkipped }, () => 'skipped: a test')];
  const failed = total - passed - nSkipped || 0;
  const why =
    failed > 0
      ? ''
      : (problem ??
        (Number.isNaN(total) && lines(SKIPPED_WITHOUT_ADAPTER).length === 0
          ? 'It ended before its tests did.'
          : total === 0 && skipped.length === 0
            ? 'No test ran.'
            : ''));
  return {
    passed,
    failed: Math.max(failed, why === '' ? 0 : 1),
    skipped,
    notes: lines('note:'),
    output: why === '' ? output : `${output}\n${why}\n`,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Runs a file with Node, and says what is wrong about the way it ended. */
function execute(path: string, { timeoutSeconds, cwd, env }: RunFileOptions) {
  return new Promise<{ output: string; problem?: string }>((resolve) => {
    // A group of its own: the processes that a test leaves behind end with it.
    const child = spawn(process.execPath, [path], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(child);
    let output = '';
    let late = false;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (output += text));
    const timer = setTimeout(() => {
      late = true;
      endGroup(child);
    }, timeoutSeconds * 1000);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      if (late) resolve({ output, problem: `It did not end within ${timeoutSeconds} s.` });
      else if (code !== 0) resolve({ output, problem: `It ended with ${signal ?? `exit code ${code}`}.` });
      else resolve({ output });
    });
  });
}

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach(endGroup));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
