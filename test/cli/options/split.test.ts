import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addSplitOptions } from '../../../src/cli/options/split.js';

test('without options a tenth is kept for validation, and batch and duplicates are left to the data', () => {
  const parse = (...args: string[]) => addSplitOptions(new Command()).parse(args, { from: 'user' }).opts();
  assert.equal(parse(), { seed: 42 });
  assert.equal(parse('--batch-size', '9', '--duplicates', 'mean', '--valid-pct', '0', '--seed', '1'), {
    validPct: 0,
    seed: 1,
    batchSize: 9,
    duplicates: 'mean',
  });
});

test.run();
