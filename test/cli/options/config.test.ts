import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addConfigOption, applyConfig } from '../../../src/cli/options/config.js';
import { addTrainSettings, type TrainSettings } from '../../../src/cli/options/settings.js';
import { DataError } from '../../../src/base/errors.js';
import { UsageError } from '../../../src/cli/process/errors.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { assertRefused } from '../../helpers/refusal.js';

const test = suite('--config');
const file = join(temporaryFolder(), 'run.json');

/** The settings of a command line beside a file. */
async function flagsOf(content: unknown, ...args: string[]): Promise<TrainSettings> {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  const command = addTrainSettings(addConfigOption(new Command())).exitOverride();
  command.parse([...args, '--config', file], { from: 'user' });
  await applyConfig(command);
  return command.opts();
}

test('a file gives settings, those of a report too, and the command line wins', async () => {
  const settings = { factors: 7, yRange: [0, 1], bias: false, lr: 0.5 };
  for (const content of [settings, { version: '1', options: settings, config: { nFactors: 9 }, usPerStep: 1 }]) {
    const { factors, yRange, bias, lr, wd } = await flagsOf(content, '--lr', '0.25', '--wd', '0.125');
    assert.equal([factors, yRange, bias, lr, wd], [7, [0, 1], false, 0.25, 0.125]);
  }
});

test('a preset sets what belongs to it: in the file, and over the file where the command line names it', async () => {
  const { factors, epochs, wd } = await flagsOf({ preset: 'best', epochs: 2 });
  assert.equal([factors, epochs, wd], [100, 2, 0.21]);
  assert.is((await flagsOf({ factors: 7 }, '--preset', 'best')).factors, 100);
  assert.is((await flagsOf({ factors: 7 }, '--preset', 'fastai2')).factors, 7);
});

test('ratings named on the command line stand for those of the file, split or not', async () => {
  const split = { trainFile: 'a', validFile: 'b' };
  const whole = await flagsOf(split, '--data', 'c');
  assert.equal([whole.data, whole.trainFile, whole.validFile], ['c', undefined, undefined]);
  const given = await flagsOf({ data: 'c', validPct: 0.2 }, '--train-file', 'a', '--valid-file', 'b');
  assert.equal([given.data, given.trainFile, given.validFile], [undefined, 'a', 'b']);
  await assertRefused(() => flagsOf(split, '--valid-pct', '0.2'), /^--valid-pct is for ratings to split, and .* split already/, UsageError);
});

for (const [content, message] of [
  [{ nFactors: 3 }, /run\.json: nFactors is 3: there is no such setting; did you mean factors\?$/],
  [{ wd: -1 }, /run\.json: wd is -1: Use a number of at least 0\.$/],
  [{ data: 'a', trainFile: 'b', validFile: 'c' }, /run\.json: .*cannot be used with/],
  [{ config: { nFactors: 9 }, usPerStep: 1 }, /did not write its options/],
] as const) {
  test(`refused: ${JSON.stringify(content)}`, () => assertRefused(() => flagsOf(content), message, UsageError));
}

test('refused: what is no JSON object', async () => {
  await assertRefused(() => flagsOf('{'), /run\.json: This is not JSON: /, DataError);
  await assertRefused(() => flagsOf('[1, 2]'), /run\.json: This holds \[1,2\], not an object\.$/, DataError);
});

test.run();
