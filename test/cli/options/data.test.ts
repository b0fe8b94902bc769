import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addDataOptions } from '../../../src/cli/options/data.js';

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
