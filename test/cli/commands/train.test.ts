import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onThreads } from '../../../src/cli/print/head.js';
import type { TrainReport } from '../../../src/cli/print/train-report.js';
import { threadsFor, threadsInUse } from '../../../src/node/device/threads.js';
import { loadModelFile } from '../../../src/node/files/model-file.js';
import { dotbias, startDotbias, temporaryFolder, writeRatings } from '../../helpers/cli.js';
import { testGpu } from '../../helpers/device.js';
import { sharedGpu } from '../../helpers/gpu.js';

const test = suite('dotbias train');
const gpu = await sharedGpu();

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
writeRatings(file('ratings.csv'));
const SMALL = ['train', '--data', file('ratings.csv'), '--factors', '8', '--epochs', '2'];
const readReport = (name: string) => JSON.parse(readFileSync(file(name), 'utf8')) as TrainReport;

/** What the run of the first test printed. */
let printed = '';

test('a run names the device and the data, prints the table, the errors and ten predictions', async () => {
  const { code, stdout, stderr } = await dotbias(...SMALL, '--out', file('model.safetensors'), '--report', file('report.json'));
  assert.is(stderr, '');
  assert.is(code, 0);
  printed = stdout;
  const lines = stdout.split('\n');
  assert.match(lines[0], /^Device: .+, (software|hardware) \(.+\)$/);
  assert.match(lines[1], /^Data: .*ratings\.csv\)\. 2,700 training and 300 validation ratings of \d+ items by 80 users\.$/);
  assert.is(lines.splice(2, 1)[0], 'Range: 0 to 5.5, from the training ratings.');
  assert.is(lines[2], 'epoch     train_loss  valid_loss  time');
  assert.match(lines[3], /^0         \d\.\d{6}    \d\.\d{6}    00:\d\d$/);
  assert.match(lines[4], /^1         \d\.\d{6}    \d\.\d{6}    00:\d\d$/);
  assert.match(lines[5], /^valid MSE \d\.\d{4}  RMSE \d\.\d{4}  MAE \d\.\d{4}$/);
  assert.match(lines[6], /^\d+ us per step, [\d,]+ ratings\/s \(lazy stepper\)$/);
  assert.match(lines[8], /^ *user +item +rating +prediction$/);
  assert.is(lines.slice(9, 19).filter((line) => /^ *\d+ +\d+ +\d +\d\.\d\d$/.test(line)).length, 10);
  assert.is(lines[20], `Model saved to ${file('model.safetensors')}`);
});

test('the first line and the report say on which threads lavapipe computes: those that suit the batches', async () => {
  const one = ['train', '--data', file('ratings.csv'), '--epochs', '1', '--quiet', '--report', file('threads.json')];
  const isLavapipe = (await testGpu()).info.name === 'llvmpipe';
  for (const batchSize of [64, 1024]) {
    const { code, stdout, stderr } = await dotbias(...one, '--batch-size', String(batchSize));
    assert.equal([code, stderr], [0, '']);
    const { adapter } = readReport('threads.json');
    assert.ok(stdout.startsWith(`Device: ${adapter}, `));
    const threads = threadsInUse(threadsFor({ batchSize, nFactors: 40 }))!;
    assert.is(adapter.endsWith(`, ${onThreads(threads)}`), isLavapipe, adapter);
  }
});

test('the report agrees with the table and with what was asked for', async () => {
  const report = readReport('report.json');
  const table = printed
    .split('\n')
    .slice(4, 6)
    .map((line) => line.split(/ +/).slice(1, 3));
  assert.equal(
    report.epochs.map(({ trainLoss, validLoss }) => [trainLoss.toFixed(6), validLoss.toFixed(6)]),
    table,
  );
  assert.is(report.validMse, report.epochs[1].validLoss);
  assert.is(report.validRmse, Math.sqrt(report.validMse));
  assert.is(report.steps, 2 * Math.floor(2700 / 64));
  assert.equal([report.data.name, report.data.nUsers, report.data.nTrain, report.data.nValid], ['ratings.csv', 80, 2700, 300]);
  assert.is(report.isSoftware, (await testGpu()).info.isSoftware);
  assert.is(report.stepper, 'lazy');
  assert.is(report.batches, (await testGpu()).info.isSoftware ? 'host' : 'device');
  assert.is(report.config['nFactors'], 8);
  const { data, device, compile, train, validate, total } = report.seconds;
  for (const seconds of [data, device, compile, train, validate]) assert.ok(seconds > 0 && seconds < total);
  assert.ok(Math.abs(report.usPerStep - (1e6 * train) / report.steps) < 1e-6);
});

test('the report decides the run: with --config it gives the same model, and its hashes are those of data, losses and file', async () => {
  const report = readReport('report.json');
  const again = await dotbias('train', '--config', file('report.json'), '--out', file('again.safetensors'), '--report', file('again.json'));
  assert.equal([again.code, again.stderr], [0, '']);
  const other = readReport('again.json');
  for (const name of ['data', 'options', 'settings', 'losses', 'device', 'version', 'math'] as const)
    assert.equal(other[name], report[name]);
  assert.equal({ ...report.model, file: '' }, { ...other.model, file: '' });
  assert.is(
    report.model!.sha256,
    createHash('sha256')
      .update(readFileSync(file('again.safetensors')))
      .digest('hex'),
  );
  assert.is(Buffer.from(report.losses, 'base64').length, 4 * report.steps);
  assert.equal(report.data.split, { by: 'random', validPct: 0.1, seed: 42 });
});

test('--config refuses ratings that are not there as --data does, and settings that do not exist', async () => {
  writeFileSync(file('gone.json'), JSON.stringify({ options: { data: file('gone.csv') } }));
  writeFileSync(file('wrong.json'), '{"epoch":3}');
  const [direct, gone, wrong] = await Promise.all([
    dotbias('train', '--data', file('gone.csv')),
    dotbias('train', '--config', file('gone.json')),
    dotbias('train', '--config', file('wrong.json')),
  ]);
  assert.match(gone.stderr, /^error: .*gone\.csv: [^\n]+\n$/);
  assert.equal(gone, direct);
  assert.match(wrong.stderr, /^error: .*wrong\.json: epoch is 3: there is no such setting; did you mean epochs\?\n$/);
});

test('the saved model predicts what the run printed', async () => {
  const rows = printed
    .split('\n')
    .slice(10, 20)
    .map((line) => line.trim().split(/ +/));
  const model = await loadModelFile(file('model.safetensors'), { gpu });
  const predictions = await model.predict(
    rows.map(([user]) => user),
    rows.map(([, item]) => item),
  );
  assert.equal(
    Array.from(predictions, (each) => each.toFixed(2)),
    rows.map((row) => row[3]),
  );
});

test('--quiet leaves the device and the result', async () => {
  const { code, stdout, stderr } = await dotbias(...SMALL, '--quiet');
  assert.is(code, 0);
  assert.match(stdout, /^Device: .+\nvalid MSE .+\n\d+ us per step, .+\n$/);
  assert.is(stderr, '');
});

test('a given split is kept, and malformed rows are left out where that is asked for', async () => {
  writeFileSync(file('train.csv'), `user,item,rating\n${'1,10,4\n2,10,3\n1,20,5\nx\n'.repeat(4)}`);
  writeFileSync(file('valid.csv'), 'user,item,rating\n2,20,4\n9,20,4\n');
  const args = ['train', '--train-file', file('train.csv'), '--valid-file', file('valid.csv'), '--epochs', '1', '--batch-size', '4'];
  const refused = await dotbias(...args);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /^error: .*train\.csv:\d+: [^\n]+\n$/);
  const { code, stdout, stderr } = await dotbias(...args, '--skip-bad-rows');
  assert.is(code, 0);
  assert.match(stdout, / 12 training and 2 validation ratings of 2 items by 2 users\./);
  assert.match(stderr, /^4 malformed rows left out, the first: /m);
});

for (const [name, ...range] of [
  ['with a range', '--y-range', '0,5.5'],
  ['without a range', '--y-range', 'none'],
]) {
  test(`a diverged run says so in one sentence, saves no model, and reports what was reached: ${name}`, async () => {
    const out = ['--out', file('diverged/model'), '--report', file('diverged/report'), '--checkpoint-dir', file('diverged/checkpoints')];
    const { code, stdout, stderr } = await dotbias(...SMALL, ...range, '--lr', '1e30', ...out);
    assert.is(code, 1);
    assert.match(stderr, /^error: Training diverged: the loss is not finite at step \d+ \(lr [^\n]+\n$/);
    assert.not.match(stdout, /valid MSE/);
    assert.not.ok(existsSync(file('diverged/model')));
    assert.equal(readdirSync(file('diverged/checkpoints')), []);
    const { diverged, epochs, validMse, validRmse, validMae } = readReport('diverged/report');
    assert.ok(diverged!.step > 0 && diverged!.lr > 1e27, JSON.stringify(diverged));
    assert.equal([epochs.length, validMse, validRmse, validMae], [0, null, null, null]);
    rmSync(file('diverged'), { recursive: true });
  });
}

test('the checkpoint and the epochs before a divergence are kept', async () => {
  const out = ['--report', file('late/report'), '--checkpoint-dir', file('late/checkpoints'), '--history', file('late/history')];
  const { code, stderr } = await dotbias(...SMALL, '--epochs', '8', '--lr', '1e5', '--batch-size', '1024', ...out);
  assert.is(code, 1);
  assert.match(stderr, /^error: Training diverged: [^\n]+\n$/);
  const { diverged, epochs, validMse } = readReport('late/report');
  assert.ok(epochs.length > 0 && epochs.length < 8 && epochs.every(({ validLoss }) => Number.isFinite(validLoss)), JSON.stringify(epochs));
  assert.is(validMse, null);
  assert.is(Math.floor(diverged!.step / 2), epochs.length);
  const kept = [epochs.length - 1, epochs.length].filter((epoch) => epoch > 0).map((epoch) => `epoch-000${epoch}.safetensors`);
  assert.equal(readdirSync(file('late/checkpoints')).sort(), kept);
  assert.is(readFileSync(file('late/history'), 'utf8').trim().split('\n').length, epochs.length + 1);
});

test('Ctrl-C stops the run, and what was asked for is saved', async () => {
  const { child, stderr } = startDotbias(...SMALL, '--epochs', '2000', '--out', file('stopped/model'), '--report', file('stopped/report'));
  let stdout = '';
  child.stdout!.on('data', (text) => {
    if (!/^1 /m.test(stdout) && /^1 /m.test((stdout += text))) child.kill('SIGINT');
  });
  assert.is(await new Promise((resolve) => child.on('close', resolve)), 130);
  assert.match(stderr(), /^Interrupted after \d+ of 84000 steps\.\n$/);
  assert.equal(readdirSync(file('stopped')).sort(), ['model', 'report']);
  const report = readReport('stopped/report');
  assert.ok(report.interrupted && report.epochs.length >= 2 && report.steps >= 84);
});

test('ratings of any scale get a range of their own, and what no prediction can reach is said', async () => {
  const rows = Array.from({ length: 400 }, (_, k) => `${k % 20},${Math.floor(k / 20)},${(k * 7) % 11}`);
  writeFileSync(file('ten.csv'), `user,item,rating\n${rows.join('\n')}\n`);
  const args = ['train', '--data', file('ten.csv'), '--factors', '2', '--epochs', '1', '--batch-size', '32'];
  const own = await dotbias(...args, '--out', file('ten.safetensors'), '--report', file('ten.json'), '--preset', 'best');
  assert.match(
    own.stdout,
    /^Range: -1 to 11, from the training ratings: that of the preset best, 0\.2 to 5\.4, is for ratings from 1 to 5\.$/m,
  );
  assert.is(own.stderr, '');
  assert.equal(readReport('ten.json').config['yRange'], [-1, 11]);
  const model = await loadModelFile(file('ten.safetensors'), { gpu });
  assert.equal(model.yRange, [-1, 11]);
  model.release();
  const given = await dotbias(...args, '--y-range', '0,5.5', '--report', file('ten.json'));
  assert.is(given.code, 0);
  assert.match(given.stdout, /^Range: 0 to 5\.5, as asked for\.$/m);
  assert.match(
    given.stderr,
    /^\d+ of 360 training ratings and \d+ of 40 validation ratings lie outside the range of predictions, 0 to 5\.5, .*\n$/,
  );
  assert.equal(readReport('ten.json').notes, [given.stderr.trim()]);
});

test('what the ratings cannot tell is said before the table: duplicates on both sides, users that training does not know', async () => {
  const rows = (users: number[]) => `user,item,rating\n${users.map((user, k) => `${user},${k % 7},${1 + (k % 5)}\n`).join('')}`;
  const known = Array.from({ length: 70 }, (_, k) => Math.floor(k / 7));
  writeFileSync(file('known.csv'), rows(known));
  writeFileSync(file('some.csv'), rows(known.slice(0, 14)));
  writeFileSync(file('single.csv'), rows(Array.from({ length: 80 }, (_, k) => k)));
  const small = ['--factors', '2', '--epochs', '1'];
  const both = await dotbias('train', '--train-file', file('known.csv'), '--valid-file', file('some.csv'), ...small);
  assert.match(both.stderr, /^14 pairs of user and item are rated more than once .* 14 pairs are both in training and in validation, /);
  const single = await dotbias('train', '--data', file('single.csv'), ...small);
  assert.match(
    single.stderr,
    /^All 8 validation ratings are of users that training does not know: .* Each user has a single rating in training\.\n$/,
  );
  const none = await dotbias('train', '--data', file('single.csv'), '--valid-pct', '0', ...small);
  assert.equal([none.code, none.stderr], [0, '']);
  assert.match(none.stdout, /^No validation ratings\.$/m);
});

test.run();
