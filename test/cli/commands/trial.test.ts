import { Command } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addTrialOptions, trialSettings } from '../../../src/cli/commands/trial.js';
import { addSourceOptions } from '../../../src/cli/options/data.js';
import { addDeviceOptions } from '../../../src/cli/options/device.js';
import { trialId } from '../../../src/evaluate/sweep.js';

const test = suite('settings of a trial');

const settingsOf = (command: Command, ...args: string[]) => trialSettings(command.parse(args, { from: 'user' }).opts());

test('they are those of a trial alone, whatever else the command takes', () => {
  const alone = settingsOf(addTrialOptions(new Command()));
  const command = addDeviceOptions(addSourceOptions(addTrialOptions(new Command()))).option('--brand-new <x>', '', 'a default');
  assert.equal(settingsOf(command, '--data', 'x.csv', '--adapter', 'software', '--no-header'), alone);
});

test('the identity of a trial is the same in every version, so that a sweep can go on', () => {
  assert.is(trialId({ ...settingsOf(addTrialOptions(new Command())), ratings: '0123456789abcdef' }), '9a4fd3fc324a2a61');
});

test('a setting without a value is not among them, and changes no identity', () => {
  const settings = settingsOf(addTrialOptions(new Command()));
  assert.equal(
    ['wdBias', 'eps', 'stepper', 'seeds', 'topK'].filter((name) => name in settings),
    [],
  );
  assert.is(trialId({ ...settings, brandNew: undefined }), trialId(settings));
});

test('each setting that is given is among them', () => {
  const settings = settingsOf(addTrialOptions(new Command()), '--wd-bias', '0', '--stepper', 'dense', '--top-k', '5', '--no-bias');
  const { wdBias, stepper, topK, bias } = settings;
  assert.equal({ wdBias, stepper, topK, bias }, { wdBias: 0, stepper: 'dense', topK: 5, bias: false });
});

test.run();
