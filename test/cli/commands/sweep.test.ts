import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dotbias, temporaryFolder, writeRatings } from '../../helpers/cli.js';
import { orEnd, testGpu } from '../../helpers/device.js';

const test = suite('dotbias sweep');
await orEnd(testGpu());

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const ratings = at('ratings.csv');
writeRatings(ratings);
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

test('shards of a sweep do each trial once, a second run does nothing, and the summary ranks them', async () => {
  const sweep = { base: { epochs: 1, factors: 4, batchSize: 32 }, grid: { lr: [0.001, 0.02], wd: [0.01, 0.1, 0.3] } };
  writeFileSync(at('sweep.json'), JSON.stringify(sweep));
  const run = (...args: string[]) => dotbias('sweep', at('sweep.json'), '--data', ratings, '--out', at('trials'), ...args);
  const first = await run('--shard', '1/4');
  assert.is(first.code, 0, first.stderr);
  assert.match(first.stdout, /^6 trials, 2 of them in part 1\/4; 0 done, 2 to do\.$/m);
  assert.match(first.stdout, /^2\/2 {2}wd 0.1, lr 0.02: MSE \d\.\d{4} {2}00:0\d$/m);
  const names = readdirSync(at('trials'));
  assert.is(names.length, 2);
  const before = readFileSync(join(at('trials'), names[0]), 'utf8');
  const rest = await run();
  assert.match(rest.stdout, /^6 trials; 2 done, 4 to do\.$/m);
  assert.is(readFileSync(join(at('trials'), names[0]), 'utf8'), before, 'a trial that is done is left alone');
  assert.is(readdirSync(at('trials')).length, 6);
  const again = await run('--shard', '2/3');
  assert.match(again.stdout, /Nothing to do/);
  assert.not.match(again.stdout, /Device:/);

  const { code, stdout } = await dotbias('sweep', '--summary', at('trials'));
  assert.is(code, 0);
  const [head, ...rows] = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
  assert.equal(head, ['mse', 'sd', 'wd', 'lr', 'time', 'trial']);
  assert.is(rows.length, 6);
  const errors = rows.map((row) => Number(row[1]));
  assert.equal(
    errors,
    [...errors].sort((a, b) => a - b),
  );
  assert.is(rows[0][4], '0.02');
});

test('a trial that diverges under its range is kept as a failure, and evaluate exits with the same sentence', async () => {
  writeFileSync(at('high.json'), JSON.stringify({ base: { epochs: 1, factors: 4, batchSize: 32 }, grid: { lr: [0.01, 1e30] } }));
  const { code, stdout } = await dotbias('sweep', at('high.json'), '--data', ratings, '--out', at('high'));
  assert.is(code, 0);
  const trials = readdirSync(at('high')).map((name) => readJson(join(at('high'), name)));
  const failed = trials.find(({ error }) => error !== undefined);
  assert.equal([trials.length, failed.config.lr, failed.mean], [2, 1e30, undefined]);
  assert.match(failed.error, /^Training diverged: the loss is not finite at step \d+ \(lr .*\)\. Use /);
  assert.ok(stdout.includes(failed.error));
  const args = ['--factors', '4', '--epochs', '1', '--batch-size', '32', '--lr', '1e30', '--report', at('none.json')];
  const alone = await dotbias('evaluate', '--data', ratings, ...args);
  assert.equal([alone.code, alone.stderr], [1, `error: random 42: ${failed.error}\n`]);
});

test('a trial gives what evaluate gives, and one whose settings fail is kept as a failure', async () => {
  writeFileSync(at('two.json'), JSON.stringify({ base: { epochs: 1, factors: 4 }, grid: { batchSize: [32, 100000] } }));
  const { code, stdout } = await dotbias('sweep', at('two.json'), '--data', ratings, '--out', at('two'));
  assert.is(code, 0);
  assert.match(stdout, /batchSize 100000: batchSize 100000 is larger than the 2700 training ratings/);
  const trials = readdirSync(at('two')).map((name) => readJson(join(at('two'), name)));
  await dotbias('evaluate', '--data', ratings, '--factors', '4', '--epochs', '1', '--batch-size', '32', '--report', at('same.json'));
  const [done, same] = [trials.find(({ mean }) => mean), readJson(at('same.json'))];
  assert.equal(done.mean, same.mean);
  assert.equal(
    [done.config.yRange, done.folds[0].yRange, same.config.yRange],
    [
      [0, 5.5],
      [0, 5.5],
      [0, 5.5],
    ],
  );
  const summary = await dotbias('sweep', '--summary', at('two'));
  assert.match(summary.stdout, /1 trial without mse/);
});

test('a bad sweep file is refused in one line with the place in it', async () => {
  const cases: [string, RegExp][] = [
    ['{"grid":{"lr":[0.1,"x"]}}', /^error: .*bad\.json: grid\.lr\[1\] is "x": Use a number above 0\.\n$/],
    [
      '{"base":{"bias":true,"nfactors":3}}',
      /^error: .*bad\.json: base\.nfactors is 3: there is no such setting; did you mean factors\?\n$/,
    ],
    ['{"base":{"recipe":"best"}}', /^error: .*bad\.json: base\.recipe is "best": recipe is now preset\.\n$/],
    [
      '{"grid":{"epochs":[5,1000000000]}}',
      /^error: .*bad\.json: grid\.epochs\[1\] is 1000000000: Use a whole number from 1 to 10000000\.\n$/,
    ],
    ['{"base":', /^error: .*bad\.json: This is not JSON: /],
  ];
  for (const [text, expected] of cases) {
    writeFileSync(at('bad.json'), text);
    const { code, stderr } = await dotbias('sweep', at('bad.json'), '--out', at('none'));
    assert.is(code, 1);
    assert.match(stderr, expected);
  }
});

test.run();
