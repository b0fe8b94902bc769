import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plantedRatings } from '../../src/planted.js';
import { randomSource } from '../helpers/random.js';

const test = suite('resume');

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const adapter = process.env['DOTBIAS_TEST_ADAPTER'];
const folder = await mkdtemp(join(tmpdir(), 'dotbias-resume-'));
const ratings = join(folder, 'ratings.csv');
const EPOCHS = 40;

/** Arguments of a short run whose epochs are visible one by one. */
const args = (...more: string[]) => [
  MAIN, 'train', '--data', ratings, '--factors', '6', '--batch-size', '32', '--epochs', String(EPOCHS), '--keep-best', ...(adapter ? ['--adapter', adapter] : []), ...more,
];

test.before(async () => {
  const { users, items, ratings: values } = plantedRatings({ nUsers: 80, nItems: 120, nRatings: 3000 }).columns;
  const rows = Array.from(users, (user, k) => `${user},${items[k]},${values[k]}`);
  await writeFile(ratings, ['user,item,rating', ...rows, ''].join('\n'));
});
test.after(() => rm(folder, { recursive: true }));

interface Ended { code: number | null; signal: string | null; stdout: string; stderr: string }

/** Runs to the end. */
const run = (...more: string[]) => new Promise<Ended>((resolve) => {
  const child = execFile(process.execPath, args(...more), (_, stdout, stderr) => resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr }));
});

/** Runs until so many epochs are printed, and sends a signal so many milliseconds later. */
const runAndSignal = (name: NodeJS.Signals, afterEpochs: number, delay: number, ...more: string[]) => new Promise<Ended>((resolve) => {
  const child = spawn(process.execPath, args(...more));
  let stdout = '';
  let stderr = '';
  let sent = false;
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
    const header = stdout.indexOf('\nepoch ');
    const lines = header < 0 ? -1 : stdout.slice(header + 1).split('\n').length - 2;
    if (sent || lines < afterEpochs) return;
    sent = true;
    setTimeout(() => child.kill(name), delay);
  });
  child.stderr.on('data', (chunk) => { stderr += String(chunk); });
  child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
});

/** Epochs, losses and errors of a report: all but seconds. */
async function results(file: string) {
  const { epochs, steps, validMse, validRmse, validMae, config } = JSON.parse(await readFile(file, 'utf8'));
  return { epochs: epochs.map(({ trainLoss, validLoss }: { trainLoss: number; validLoss: number }) => [trainLoss, validLoss]), steps, validMse, validRmse, validMae, config };
}

test('a run killed at any time, again and again, ends with the model file of a run never interrupted', async () => {
  const random = randomSource(11);
  const [wholeModel, wholeReport, model, report, dir] = ['whole.safetensors', 'whole.json', 'model.safetensors', 'report.json', 'run'].map((name) => join(folder, name));
  const whole = await run('--out', wholeModel, '--report', wholeReport);
  assert.is(whole.code, 0, whole.stderr);

  const resume = ['--checkpoint-dir', dir, '--resume', '--out', model, '--report', report];
  let done = 0;
  for (let kill = 0; kill < 5; kill++) {
    const more = Math.floor(5 * random());
    const killed = await runAndSignal('SIGKILL', done + more, 40 * random(), ...resume);
    assert.is(killed.signal, 'SIGKILL', killed.stderr);
    const names = await readdir(dir).catch(() => []);
    done = Math.max(0, ...names.map((name) => Number(/^epoch-(\d+)/.exec(name)?.[1] ?? 0)));
  }
  assert.ok(done > 5 && done < EPOCHS, `killed after ${done} epochs`);
  const last = await run(...resume);
  assert.is(last.code, 0, last.stderr);
  assert.match(last.stderr, new RegExp(`Going on after ${done} epochs, from .*epoch-00`));
  assert.ok((await readFile(model)).equals(await readFile(wholeModel)), 'the bytes of the model files');
  assert.equal(await results(report), await results(wholeReport));
  const left = (await readdir(dir)).sort();
  assert.equal(left, [EPOCHS - 1, EPOCHS].map((epoch) => `epoch-00${epoch}.safetensors`));
});

test('Ctrl-C ends cleanly with the last complete epoch saved, to go on from', async () => {
  const dir = join(folder, 'interrupted');
  const ended = await runAndSignal('SIGINT', 3, 0, '--checkpoint-dir', dir);
  assert.is(ended.code, 130, ended.stderr);
  assert.match(ended.stderr, /^Interrupted after \d+ of \d+ steps\. --resume goes on after the last complete epoch\.$/m);
  const epochs = (await readdir(dir)).sort();
  assert.is(epochs.length, 2);
  assert.ok(Number(epochs[1].slice(6, 10)) >= 3);
});

test('a folder with checkpoints is not overwritten, and --resume without a folder is refused, before anything is read', async () => {
  const dir = join(folder, 'interrupted');
  const again = await run('--checkpoint-dir', dir);
  assert.is(again.code, 1);
  assert.match(again.stderr, /^error: .*interrupted holds checkpoints of an earlier run, the newest after \d+ epochs: resume that run, or use another folder\.\n$/);
  assert.is(again.stdout, '');
  const without = await run('--resume');
  assert.is(without.code, 1);
  assert.is(without.stderr, 'error: --resume needs --checkpoint-dir, the folder to go on from.\n');
});

test('another configuration is refused with the difference named', async () => {
  const other = await run('--checkpoint-dir', join(folder, 'interrupted'), '--resume', '--wd', '0.3');
  assert.is(other.code, 1);
  assert.match(other.stderr, /error: The checkpoint is of another run: its wd is 0.1, here it is 0.3\./);
});

test.run();
