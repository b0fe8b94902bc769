import { Command } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../../src/data/collab-data.js';
import { addFitOptions } from '../../../src/cli/options/fit.js';
import { addModelOptions, learnerOptions, type ModelFlags, rangeChoice } from '../../../src/cli/options/model.js';
import { asFlags, PRESETS } from '../../../src/cli/options/presets.js';

const test = suite('options of a model');

const parse = (...args: string[]) => addFitOptions(addModelOptions(new Command())).parse(args, { from: 'user' }).opts();
const of = (...ratings: number[]) =>
  CollabData.fromRows(
    ratings.map((y, k) => [1, k, y]),
    { validPct: 0, batchSize: 1 },
  );
const modelOptions = (...args: string[]) => learnerOptions(parse(...args) as ModelFlags, of(1, 5));

test('without options the model is that of the tutorial', () => {
  const { nFactors, wd, wdBias, eps, yRange, bias, defaults, stepper } = modelOptions();
  assert.equal({ nFactors, wd, yRange, bias, defaults }, { nFactors: 40, wd: 0.1, yRange: undefined, bias: true, defaults: 'fastai1' });
  assert.equal([wdBias, eps, stepper], [undefined, undefined, undefined]);
});

test('each option arrives', () => {
  assert.is(modelOptions('--factors', '7').nFactors, 7);
  assert.is(modelOptions('--wd', '0').wd, 0);
  assert.is(modelOptions('--wd-bias', '0').wdBias, 0);
  assert.is(modelOptions('--eps', '1e-6').eps, 1e-6);
  assert.equal(modelOptions('--y-range', '-10,10').yRange, [-10, 10]);
  assert.is(modelOptions('--y-range', 'none').yRange, null);
  assert.is(modelOptions('--no-bias').bias, false);
  assert.is(modelOptions('--preset', 'fastai2').defaults, 'fastai2');
  assert.is(modelOptions('--stepper', 'dense').stepper, 'dense');
});

test('a preset is what its help text says, and options given before or after it win', () => {
  const asTyped = asFlags(PRESETS['best']);
  assert.is(asTyped, '--factors 100 --wd 0.21 --wd-bias 0 --eps 0.0002 --epochs 8 --lr 0.00245');
  assert.equal({ ...parse('--preset', 'best'), preset: 'fastai1' }, parse(...asTyped.split(' ')));
  const { factors, epochs, wd } = parse('--factors', '7', '--preset', 'best', '--epochs', '2');
  assert.equal([factors, epochs, wd], [7, 2, 0.21]);
});

test('the range of a preset holds while all training ratings lie in 1 to 5, and gives way to a range that was asked for', () => {
  const choice = (args: string[], ...ratings: number[]) => rangeChoice(parse(...args) as ModelFlags, of(...ratings));
  const best = ['--preset', 'best'];
  assert.equal(choice(best, 1, 5), { yRange: [0.2, 5.4], from: 'of the preset best' });
  assert.equal(choice([...best, '--y-range', '0,6'], 1, 5), { yRange: [0, 6], from: 'as asked for' });
  assert.equal(choice(['--y-range', 'none', ...best], 1, 5).yRange, null);
  for (const ratings of [
    [0.5, 5],
    [1, 5.5],
    [-1, 3],
  ]) {
    const { yRange, from } = choice(best, ...ratings);
    assert.is(yRange, undefined);
    assert.is(from, 'from the training ratings: that of the preset best, 0.2 to 5.4, is for ratings from 1 to 5');
  }
  assert.equal(choice([], 1, 5), { yRange: undefined, from: 'from the training ratings' });
});

test.run();
