import { Command } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createProgram } from '../../../src/cli/program.js';
import { nameFlags } from '../../../src/cli/process/flags.js';

const test = suite('names of options in sentences');

const train = createProgram().commands.find((command) => command.name() === 'train')!;
const said = (sentence: string, isRefusal = false) => nameFlags(sentence, train, isRefusal);

test('a name with a capital inside is an option, with its value or without', () => {
  assert.is(said('Say which it is with ratingColumn.'), 'Say which it is with --rating-column.');
  assert.is(
    said('The user is above 2^53; pass textIds: true to take ids as text.'),
    'The user is above 2^53; pass --text-ids to take ids as text.',
  );
  assert.is(said('Pass yRange: null, or yRange [0, 5].'), 'Pass --y-range none, or --y-range [0, 5].');
  assert.is(said('nFactors must be 3; use nFactors: 2.'), '--factors must be 3; use --factors 2.');
  assert.is(said("Use header: false, bias: false, stepper: 'dense'; epochs: 3"), 'Use --no-header, --no-bias, --stepper dense; --epochs 3');
});

test('a plain word is an option only at the beginning of a refusal, or with its value', () => {
  assert.is(said('epochs must be at most 3: these epochs are long.', true), '--epochs must be at most 3: these epochs are long.');
  assert.is(said('data has no such file; the seed: none.'), 'data has no such file; the seed: none.');
  assert.is(said("the epochs: 260 is that of the data: 'x'."), "the epochs: 260 is that of the data: 'x'.");
  assert.is(said('Use a lower lr, or another seed.'), 'Use a lower lr, or another seed.');
});

test('what the user wrote is quoted, and stays', () => {
  assert.is(
    said("There is no column 'batchSize'; the model's column 'ratingColumn: 3' is batchSize's."),
    "There is no column 'batchSize'; the model's column 'ratingColumn: 3' is --batch-size's.",
  );
  assert.is(said("Adam's yRange isn't 'it's yRange'."), "Adam's --y-range isn't 'it's yRange'.");
});

test('an option that the command does not have keeps its name', () => {
  assert.is(nameFlags('batchSize must be 1, and topK: 3.', new Command(), true), 'batchSize must be 1, and topK: 3.');
  assert.is(nameFlags('n must be 1.', new Command().option('-n <count>'), true), '-n must be 1.');
});

test.run();
