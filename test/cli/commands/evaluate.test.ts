import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plantedRatings } from '../../../src/data/planted.js';
import { dotbias, startDotbias, temporaryFolder } from '../../helpers/cli.js';
import { orEnd, testGpu } from '../../helpers/device.js';

const test = suite('dotbias evaluate');
await orEnd(testGpu());

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const ratings = at('ratings.csv');
const small = ['--factors', '4', '--epochs', '1', '--batch-size', '32'];
const readReport = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));

const { users, items, ratings: values } = plantedRatings({ nUsers: 60, nItems: 90, nRatings: 2000 }).columns;
const rows = Array.from(users, (user, k) => `${user},${items[k]},${values[k]},${(k * 7919) % 2000}`);
writeFileSync(ratings, ['user,item,rating,timestamp', ...rows, ''].join('\n'));
// The folds of MovieLens-100K, in small.
for (let fold = 0; fold < 5; fold++) {
  const part = (wanted: (k: number) => boolean) =>
    rows
      .filter((_, k) => wanted(k))
      .map((row) => row.replaceAll(',', '\t'))
      .join('\n');
  writeFileSync(
    at(`u${fold + 1}.base`),
    part((k) => k % 5 !== fold),
  );
  writeFileSync(
    at(`u${fold + 1}.test`),
    part((k) => k % 5 === fold),
  );
}

test('evaluate prints a line for each fold, their mean and standard deviation, and reports the same', async () => {
  const { code, stdout, stderr } = await dotbias('evaluate', '--data', folder, '--protocol', 'u1-u5', ...small, '--report', at('cv.json'));
  assert.equal({ code, stderr }, { code: 0, stderr: '' });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  const folds = lines.filter(([name]) => /^u\d$/.test(name));
  assert.equal(
    folds.map(([name]) => name),
    ['u1', 'u2', 'u3', 'u4', 'u5'],
  );
  const [mean, sd] = lines.slice(-2);
  assert.is(mean[0], 'mean');
  assert.ok(Math.abs(Number(mean[1]) - folds.reduce((sum, row) => sum + Number(row[1]), 0) / 5) < 1e-4);
  assert.is(sd[0], 'sd');
  const report = readReport('cv.json');
  assert.is(report.mean.mse.toFixed(4), mean[1]);
  assert.is(report.sd.mse.toFixed(4), sd[1]);
  assert.equal(
    report.folds.map(({ nTrain, nValid }: { nTrain: number; nValid: number }) => [nTrain, nValid]),
    Array.from({ length: 5 }, () => [1600, 400]),
  );
  assert.is(report.protocol, 'u1 to u5, 5 models');
  assert.is(report.config.factors, 4);
  assert.is(report.config.data, undefined);
  assert.ok(report.seconds > 0 && report.adapter && report.version);
});

test('each protocol, ranking and ensembles can be asked for', async () => {
  const cases: [string[], RegExp][] = [
    [['--protocol', 'kfold', '--folds', '3', '--seeds', '5,6'], /^fold 3, seed 6 +\d/m],
    [['--protocol', 'leave-last', '--last-k', '2', '--top-k', '5', '--threshold', '3'], /^last 2 .*\n(.*\n)*mean/m],
    [
      ['--protocol', 'random', '--valid-pct', '0.3', '--repeats', '2', '--seed', '7', '--ensemble', '2'],
      /2 ensembles of 2 models[^]*^random 7 .*\n^random 8 /m,
    ],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await dotbias('evaluate', '--data', ratings, ...small, ...args);
    assert.is(code, 0, stderr);
    assert.match(stdout, expected);
  }
  const given = await dotbias('evaluate', '--train-file', at('u1.base'), '--valid-file', at('u1.test'), ...small);
  assert.match(given.stdout, /Protocol: the given split, 1 model\./);
});

test('Ctrl-C ends an evaluation with the folds that are complete', async () => {
  const { child, stderr } = startDotbias('evaluate', '--data', ratings, '--repeats', '500', ...small, '--report', at('part.json'));
  let stdout = '';
  let sent = false;
  child.stdout!.on('data', (chunk) => {
    stdout += String(chunk);
    if (!sent && /^random 44 /m.test(stdout)) sent = child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  assert.is(code, 130, stderr());
  const [, done] = /^Interrupted after (\d+) of 500 folds\.$/m.exec(stderr()) ?? [];
  const report = readReport('part.json');
  assert.is(report.interrupted, true);
  assert.ok(Number(done) >= 3);
  assert.is(report.folds.length, Number(done));
  assert.match(stdout, /^mean /m);
});

test.run();
