import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeError } from '../../src/cli/process/errors.js';
import { DataError, DivergedError } from '../../src/base/errors.js';
import { temporaryFolder } from '../helpers/cli.js';

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

test('a refusal of the file system names the file first', () => {
  const folder = temporaryFolder();
  const missing = join(folder, 'none');
  assert.is(describeError(thrownBy(() => readFileSync(missing))), `error: ${missing}: no such file or directory.`);
  assert.match(describeError(thrownBy(() => readFileSync(folder))), /^error: [^\n]*illegal operation on a directory/);
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
