import { resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addTrainSettings, parseSettings, settingsOf, type TrainSettings } from '../../../src/cli/options/settings.js';
import { assertRefused } from '../../helpers/refusal.js';

const test = suite('settings');
const parse = (settings: Record<string, unknown>) => parseSettings<TrainSettings>(addTrainSettings, settings);

test('settings come out as they went in, and mean the same in any folder', () => {
  const given = {
    data: 'a.csv',
    userColumn: 3,
    itemColumn: 'item = "x"',
    delimiter: '\t',
    header: false,
    validPct: 0.25,
    seed: 7,
    factors: 12,
    yRange: [-1, 6.5],
    bias: false,
    preset: 'best',
    epochs: 3,
    lr: 1e-3,
    patience: 2,
    keepBest: true,
  };
  const flags = parse(given);
  const found = settingsOf(flags);
  for (const [name, value] of Object.entries(given)) assert.equal(found[name], name === 'data' ? resolve('a.csv') : value, name);
  assert.equal([found['wd'], found['wdBias'], found['eps']], [0.21, 0, 2e-4]); // of the preset
  assert.equal(settingsOf(parse(found)), found);
  assert.equal(settingsOf(parse(JSON.parse(JSON.stringify(found)) as typeof found)), found);
});

test('none stands for null, and where ratings come from is no path where it is none', () => {
  assert.is(settingsOf(parse({ yRange: null }))['yRange'], 'none');
  assert.is(settingsOf(parse({ data: 'planted' }))['data'], 'planted');
  assert.is(settingsOf(parse({ data: '-' }))['data'], '-');
  assert.is(settingsOf(parse({ trainFile: 'a', validFile: 'b' }))['validPct'], undefined);
});

for (const [settings, message] of [
  [{ nfactors: 3 }, /^there is no such setting; did you mean factors\?$/],
  [{ out: 'm' }, /^there is no such setting; known are /],
  [{ recipe: 'best' }, /^recipe is now preset\.$/],
  [{ factors: 0 }, /^Use a whole number from 1 to \d+\.$/],
  [{ factors: true }, /^Use a number, a text or a list\.$/],
  [{ bias: 'no' }, /^Use true or false\.$/],
  [{ ['__proto__']: 1 }, /^there is no such setting/],
  [{ data: 'a', trainFile: 'b', validFile: 'c' }, /cannot be used with/],
] as const) {
  test(`refused: ${JSON.stringify(settings)}`, () => assertRefused(() => parse(settings), message));
}

test.run();
