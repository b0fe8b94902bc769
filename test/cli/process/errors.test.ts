import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError, DivergedError } from '../../../src/base/errors.js';
import { describeError, UsageError } from '../../../src/cli/process/errors.js';
import { temporaryFolder } from '../../helpers/cli.js';

const test = suite('errors of the command line');

/** What a piece of code throws. */
function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test("errors of the user's making are one line", () => {
  assert.is(describeError(new DataError('the rating is missing.', { file: 'a.csv', line: 3 })), 'error: a.csv:3: the rating is missing.');
  assert.match(describeError(new DivergedError(5, 10)), /^error: Training diverged[^\n]+$/);
  assert.is(
    describeError(new RangeError('wd must be a number of at least 0, not -1.')),
    'error: wd must be a number of at least 0, not -1.',
  );
});

test('a refusal names the flags of the command that ran, where the API names options', () => {
  const command = new Command().option('--batch-size <n>').option('--epochs <n>').option('--no-bias');
  const line = (message: string) => describeError(new RangeError(message), command);
  assert.is(line('batchSize 9 is larger than the 3 training ratings.'), 'error: --batch-size 9 is larger than the 3 training ratings.');
  assert.is(line('epochs must be at least 1, and batchSize too.'), 'error: --epochs must be at least 1, and --batch-size too.');
  assert.is(line('There are 3 epochs and a bias.'), 'error: There are 3 epochs and a bias.');
  assert.is(line('nFactors must be a whole number.'), 'error: nFactors must be a whole number.');
  const inFile = new DataError('There is no batch: pass batchSize: 3.', { file: 'batchSize: 9.csv', line: 3 });
  assert.is(describeError(inFile, command), 'error: batchSize: 9.csv:3: There is no batch: pass --batch-size 3.');
  assert.is(describeError(new UsageError('batchSize is a folder.'), command), 'error: batchSize is a folder.');
});

test('an error is one line, whatever its sentence quotes', () => {
  const hostile = 'a\r\nb\u001b]0;x\u0007\u202e';
  const line = 'error: a b\\u001b]0;x\\u0007\\u202e: no.';
  assert.is(describeError(new DataError('no.', { file: hostile })), line);
  assert.is(describeError(new RangeError(`${hostile}: no.`)), line);
  const system = Object.assign(new Error('ENOENT: no, open'), { code: 'ENOENT', syscall: 'open', path: hostile });
  assert.is(describeError(system), line);
});

test('a refusal of the file system names the file first', () => {
  const folder = temporaryFolder();
  const missing = join(folder, 'none');
  assert.is(describeError(thrownBy(() => readFileSync(missing))), `error: ${missing}: There is no such file or folder.`);
  assert.match(describeError(thrownBy(() => readFileSync(folder))), /^error: [^\n]*illegal operation on a directory/);
  const known = Object.assign(new Error('EISDIR: illegal operation on a directory, read'), {
    code: 'EISDIR',
    syscall: 'read',
    path: folder,
  });
  assert.is(describeError(known), `error: ${folder}: This is a folder, not a file.`);
});

const defects: Record<string, () => unknown> = {
  'a property of undefined': () => (undefined as unknown as { x: number }).x,
  'a call of what is no function': () => (1 as unknown as () => void)(),
  'an array length': () => new Uint8Array(-1),
  'an endless recursion': function again(): unknown {
    return [again()];
  },
  'a plain error': () => {
    throw new Error('This should not happen.');
  },
};
for (const [name, work] of Object.entries(defects)) {
  test(`a defect is shown with its stack and a plea to report it: ${name}`, () => {
    const text = describeError(thrownBy(work));
    assert.match(text, /^\w*Error: .*\n +at /);
    assert.match(text, /defect of dotbias .*please report/);
  });
}

test.run();
