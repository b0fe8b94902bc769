import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dotbias, startDotbias, temporaryFolder } from '../../helpers/cli.js';

const folder = temporaryFolder();
const ratings = join(folder, 'ratings.csv');
const lines = Array.from({ length: 1500 }, (_, k) => `u${(k * 7) % 60},${(k * 13) % 83},${1 + ((k * k) % 5)}`);
await writeFile(ratings, `user,item,rating\n${lines.join('\n')}\n`);

test('prepared ratings train to the same model file as the ratings themselves, in strata and without', async () => {
  const prep = join(folder, 'prep');
  const { code, stdout, stderr } = await dotbias('prepare', ratings, '--out', prep, '--strata', '4', '--seed', '3', '--valid-pct', '0.15');
  assert.is(code, 0, stderr);
  assert.match(stdout, /ratings\.csv: 1,275 training and 225 validation ratings of 83 items by 60 users, in 4 strata/);
  for (const strata of ['1', '4']) {
    const models = await Promise.all(
      [[prep], [ratings, '--valid-pct', '0.15']].map(async (data, k) => {
        const out = join(folder, `${strata}-${k}.safetensors`);
        const settings = ['--seed', '3', '--epochs', '1', '--batch-size', '8', '--strata', strata, '--factors', '8'];
        const trained = await dotbias('train', '--data', ...data, '--out', out, '--quiet', ...settings);
        assert.is(trained.code, 0, trained.stderr);
        return readFileSync(out);
      }),
    );
    assert.ok(models[0].equals(models[1]), strata);
  }
});

test('what was decided when ratings were prepared is refused later, and so are commands that split otherwise', async () => {
  const prep = join(folder, 'prep');
  const refused = async (args: string[], message: RegExp) => {
    const { code, stderr } = await dotbias(...args);
    assert.is(code, 1);
    assert.match(stderr, message);
    assert.is(stderr.trim().split('\n').length, 1);
  };
  await refused(['train', '--data', prep, '--valid-pct', '0.1'], /--valid-pct 0\.1 comes too late: .* was prepared with 0\.15/);
  await refused(['train', '--data', prep, '--text-ids'], /options that say how to read files are for 'dotbias prepare'/);
  await refused(['train', '--data', prep, '--duplicates', 'mean'], /--duplicates mean comes too late/);
  await refused(['evaluate', '--data', prep], /holds prepared ratings, which are split already/);
  await refused(['prepare', ratings, '--out', folder], /holds 'prep', which is no part of prepared ratings|holds '.*', which is no part/);
  await refused(['prepare', join(folder, 'none.csv'), '--out', join(folder, 'new')], /none\.csv: There is no such file or folder/);
  assert.not(existsSync(join(folder, 'new')));
});

test('an interrupted prepare leaves nothing that looks complete', async () => {
  const prep = join(folder, 'cut');
  const { child } = startDotbias('prepare', ratings, '--out', prep);
  while (!existsSync(prep) && child.exitCode === null) await setTimeout(5);
  child.kill('SIGINT');
  await new Promise((resolve) => void (child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(0)));
  if (child.exitCode === 0) return; // it was quicker
  assert.equal(existsSync(prep) ? readdirSync(prep) : [], []);
});

test.run();
