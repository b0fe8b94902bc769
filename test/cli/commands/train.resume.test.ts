import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dotbias, startDotbias, temporaryFolder, writeRatings } from '../../helpers/cli.js';
import { orEnd, testGpu } from '../../helpers/device.js';
import { randomSource } from '../../helpers/random.js';

const test = suite('dotbias train --resume');
await orEnd(testGpu());

const folder = temporaryFolder();
const ratings = join(folder, 'ratings.csv');
writeRatings(ratings);

/** A short run whose epochs are visible one by one. */
const EPOCHS = 40;
const RUN = ['train', '--data', ratings, '--factors', '6', '--batch-size', '32', '--epochs', String(EPOCHS), '--keep-best'];
const run = (...more: string[]) => dotbias(...RUN, ...more);

/** Runs until so many epochs are printed, and sends a signal so many milliseconds later. */
function runAndSignal(name: NodeJS.Signals, afterEpochs: number, delay: number, ...more: string[]) {
  const { child, stderr } = startDotbias(...RUN, ...more);
  let [stdout, sent] = ['', false];
  child.stdout!.on('data', (text) => {
    stdout += String(text);
    const table = /^epoch .*\n[^]*/m.exec(stdout)?.[0].split('\n') ?? [];
    if (sent || table.length - 2 < afterEpochs) return;
    sent = true;
    setTimeout(() => child.kill(name), delay);
  });
  return new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stderr: stderr() }));
  });
}

/** Epochs, losses and errors of a report: all but seconds. */
async function results(file: string) {
  const { epochs, steps, validMse, validRmse, validMae, config } = JSON.parse(await readFile(file, 'utf8'));
  return {
    epochs: epochs.map(({ trainLoss, validLoss }: { trainLoss: number; validLoss: number }) => [trainLoss, validLoss]),
    steps,
    validMse,
    validRmse,
    validMae,
    config,
  };
}

test('a run killed at any time, again and again, ends with the model file of a run never interrupted', async () => {
  const random = randomSource(11);
  const [wholeModel, wholeReport, model, report, dir] = ['whole.safetensors', 'whole.json', 'model.safetensors', 'report.json', 'run'].map(
    (name) => join(folder, name),
  );
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
  assert.equal(
    left,
    [EPOCHS - 1, EPOCHS].map((epoch) => `epoch-00${epoch}.safetensors`),
  );
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

for (const [name, code] of [
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${name} writes what Ctrl-C writes, and leaves neither a lock nor temporary files`, async () => {
    const place = join(folder, name);
    const dir = join(place, 'run');
    const [model, report] = [join(place, 'model'), join(place, 'report.json')];
    const ended = await runAndSignal(name, 2, 0, '--checkpoint-dir', dir, '--out', model, '--report', report);
    assert.is(ended.code, code, ended.stderr);
    assert.ok((await readFile(model)).length > 1000);
    assert.is(JSON.parse(await readFile(report, 'utf8')).interrupted, true);
    assert.is((await readdir(dir)).filter((each) => /^epoch-\d+\.safetensors$/.test(each)).length, 2);
    assert.equal(
      [...(await readdir(dir)), ...(await readdir(place))].filter((each) => each.startsWith('.')),
      [],
    );
  });
}

test('a run that another one is in the middle of is refused, with --resume and without; one that was killed is not', async () => {
  const dir = join(folder, 'locked');
  const { child } = startDotbias(...RUN, '--epochs', '1000', '--checkpoint-dir', dir);
  while (!(await readdir(dir).catch(() => [])).some((name) => name.startsWith('epoch'))) await new Promise((then) => setTimeout(then, 20));
  for (const more of [[], ['--resume']]) {
    const { code, stderr } = await run('--checkpoint-dir', dir, ...more);
    assert.is(code, 1);
    assert.match(stderr, new RegExp(`^error: .*locked is in use by process ${child.pid} on .*\\.lock\\.\n$`));
  }
  child.kill('SIGKILL');
  await once(child, 'close');
  const other = await run('--checkpoint-dir', dir, '--resume');
  assert.match(other.stderr, /another run: its .*epochs/);
});

test('a folder with checkpoints is not overwritten, and --resume without a folder is refused, before anything is read', async () => {
  const dir = join(folder, 'interrupted');
  const again = await run('--checkpoint-dir', dir);
  assert.is(again.code, 1);
  assert.match(
    again.stderr,
    /^error: .*interrupted holds checkpoints of an earlier run, the newest after \d+ epochs: resume that run, or use another folder\.\n$/,
  );
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
