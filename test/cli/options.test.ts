import { Command } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addDataOptions } from '../../src/cli/options/data.js';
import { addModelOptions, learnerOptions, type ModelFlags } from '../../src/cli/options/model.js';
import { integer, notNegative, positive, range, rangeOrNone, share } from '../../src/cli/options/numbers.js';

const test = suite('options');

const parsers: [name: string, parse: (text: string) => unknown, good: Record<string, unknown>, bad: string[]][] = [
  ['integer(1)', integer(1), { 1: 1, 40: 40, '007': 7 }, ['0', '-1', '1.5', '1e3', 'abc', '', ' 1', '99999999999999999999', 'Infinity']],
  ['integer(0, 9)', integer(0, 9), { 0: 0, 9: 9 }, ['10', '-0']],
  [
    'positive',
    positive,
    { 1: 1, '.5': 0.5, '1e-3': 0.001, '+2.': 2 },
    ['0', '-1', 'abc', '', '1x', '0x10', '1,5', 'NaN', '1e999', 'Infinity'],
  ],
  ['notNegative', notNegative, { 0: 0, '0.1': 0.1 }, ['-0.1', 'none', '']],
  ['share', share, { 0: 0, '0.1': 0.1 }, ['1', '-0.1', '10%']],
  ['range', range, { '0,5.5': [0, 5.5], '-10, 10': [-10, 10] }, ['5,1', '1,1', '5', '1,2,3', ',', 'none', '0,inf']],
  ['rangeOrNone', rangeOrNone, { '0,5.5': [0, 5.5], none: 'none' }, ['5,1', 'None', 'null', '']],
];
for (const [name, parse, good, bad] of parsers) {
  test(`${name} takes what it means and nothing else`, () => {
    for (const [text, value] of Object.entries(good)) assert.equal(parse(text), value, text);
    for (const text of bad) assert.throws(() => parse(text), /^Use /, `'${text}' was taken`);
  });
}

const modelOptions = (...args: string[]) => learnerOptions(addModelOptions(new Command()).parse(args, { from: 'user' }).opts<ModelFlags>());

test('without options the model is that of the tutorial', () => {
  assert.equal(modelOptions(), { nFactors: 40, wd: 0.1, yRange: [0, 5.5], bias: true, defaults: 'fastai1' });
});

test('each model option arrives', () => {
  assert.is(modelOptions('--factors', '7').nFactors, 7);
  assert.is(modelOptions('--wd', '0').wd, 0);
  assert.is(modelOptions('--wd-bias', '0').wdBias, 0);
  assert.equal(modelOptions('--y-range', '-10,10').yRange, [-10, 10]);
  assert.is(modelOptions('--y-range', 'none').yRange, null);
  assert.is(modelOptions('--no-bias').bias, false);
  assert.is(modelOptions('--preset', 'fastai2').defaults, 'fastai2');
  assert.is(modelOptions('--stepper', 'dense').stepper, 'dense');
});

test('columns are names or positions, and a split is given or made, not both', () => {
  const parse = (...args: string[]) =>
    addDataOptions(new Command())
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .parse(args, { from: 'user' })
      .opts();
  const { userColumn, itemColumn } = parse('--user-column', 'who', '--item-column', '3');
  assert.equal([userColumn, itemColumn], ['who', 3]);
  for (const other of [
    ['--data', 'c'],
    ['--valid-pct', '0.2'],
  ]) {
    assert.throws(() => parse('--train-file', 'a', '--valid-file', 'b', ...other), /cannot be used with/);
  }
});

test.run();
