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
    [
      ['--protocol', 'by-time', '--test-pct', '0.3'],
      /^Protocol: the latest 0\.3 of the ratings held out, 1 model\.\nRange: .*\nfold .*\nfrom 1400 /m,
    ],
    [['--protocol', 'by-time', '--test-from', '1000'], /^Protocol: the ratings from 1000 on held out, 1 model\.$[^]*^from 1000 /m],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await dotbias('evaluate', '--data', ratings, ...small, ...args);
    assert.is(code, 0, stderr);
    assert.match(stdout, expected);
  }
  const given = await dotbias('evaluate', '--train-file', at('u1.base'), '--valid-file', at('u1.test'), ...small);
  assert.match(given.stdout, /Protocol: the given split, 1 model\./);
});

test('a protocol that the ratings do not suit is refused before anything is trained, in the words of the command line', async () => {
  const cases: [string[], RegExp][] = [
    [
      ['--protocol', 'by-user', '--given', '1000000'],
      /^error: --given 1000000 leaves nothing to test on: no user in part 1 of 5 has more ratings/,
    ],
    [['--protocol', 'by-user', '--folds', '61'], /^error: --folds is 61, but there are only 60 users to divide/],
    [['--protocol', 'leave-last', '--last-k', '1000'], /^error: No user has more than 1000 ratings/],
    [
      ['--protocol', 'by-time', '--test-from', '2020-01-01'],
      /^error: --test-from 1577836800 \(2020-01-01\) leaves no rating to test on: .* from 0 to 1999\./,
    ],
    [['--protocol', 'by-time', '--test-from', '9', '--test-pct', '0.1'], /^error: Give either --test-from or --test-pct, not both\./],
    [['--test-from', '9'], /^error: --test-from is for the protocol by-time, and this one is random\./],
    [['--folds', '3'], /^error: --folds is for the protocol kfold and by-user, and this one is random\./],
    [['--protocol', 'kfold', '--valid-pct', '0.2'], /^error: --valid-pct is for the protocol random, and this one is kfold\./],
    [['--batch-size', '1801'], /^error: --batch-size 1801 is larger than the 1800 training ratings of random 42; use at most 1800\./],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await dotbias('evaluate', '--data', ratings, ...args);
    assert.is(code, 1);
    assert.match(stderr, expected);
    assert.not.match(stdout, /^fold/m);
  }
});

test('a fold that diverges ends with exit code 1, and the report keeps the folds before it', async () => {
  const report = at('diverged.json');
  const args = ['--data', ratings, '--protocol', 'kfold', '--folds', '2', '--lr', '100000', '--epochs', '1', '--report', report];
  const { code, stderr } = await dotbias('evaluate', ...args);
  assert.is(code, 1);
  assert.match(stderr, /^error: fold 1: Training diverged: the loss is not finite at step \d+ \(lr [\d.e+]+\)\./m);
  const { folds, diverged } = readReport('diverged.json');
  assert.equal([folds.length, diverged.fold], [0, 'fold 1']);
});

test('duplicates are counted, kept on one side, or merged; a small set makes smaller batches', async () => {
  const twice = at('twice.csv');
  const few = rows.slice(0, 30);
  writeFileSync(twice, ['user,item,rating,timestamp', ...few, ...few, ''].join('\n'));
  const run = (...args: string[]) =>
    dotbias('evaluate', '--data', twice, '--factors', '2', '--epochs', '1', '--protocol', 'kfold', '--folds', '2', ...args);
  const kept = await run('--report', at('twice.json'));
  assert.is(kept.code, 0);
  assert.match(kept.stderr, /^30 pairs of user and item are rated more than once \(30 ratings beyond the first\): each rating is kept\.$/m);
  assert.match(kept.stderr, /^There are only 30 training ratings: a batch has 30 instead of 64\.$/m);
  const { folds, config } = readReport('twice.json');
  assert.equal([folds[0].nTrain, folds[0].nValid, config.batchSize], [30, 30, 30]);
  const last = await run('--duplicates', 'last', '--report', at('twice.json'));
  assert.match(last.stderr, /of each pair the last rating is kept\.$/m);
  assert.equal([readReport('twice.json').folds[0].nTrain, readReport('twice.json').config.duplicates], [15, 'last']);
  const refused = await run('--duplicates', 'error');
  assert.match(refused.stderr, /^error: User \d+ rates item \d+ twice, in rows 0 and 30, counted from 0\. /);
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
