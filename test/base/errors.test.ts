import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as errors from '../../src/base/errors.js';

const classes = Object.entries(errors);

test('every error has its name, is a DotbiasError, and keeps its cause', () => {
  assert.ok(classes.length > 8);
  const cause = new Error('cause');
  for (const [name, Class] of classes) {
    if (Class === errors.DivergedError) continue;
    const make = Class as typeof errors.GpuError;
    const error = Class === errors.DataError ? new errors.DataError('what', {}, { cause }) : new make('what', { cause });
    assert.is(String(error), `${name}: what`);
    assert.instance(error, errors.DotbiasError);
    assert.is(error.cause, cause);
  }
  assert.match(String(new errors.DivergedError(3, 0.5)), /^DivergedError: Training diverged/);
});

test('an error of ratings says where', () => {
  const error = new errors.DataError('what', { file: 'a.csv', line: 3, column: 'rating', value: 'x' });
  assert.is(error.message, 'a.csv:3: what');
  assert.equal([error.file, error.line, error.column, error.value], ['a.csv', 3, 'rating', 'x']);
  assert.is(new errors.DataError('what', { file: 'a.csv' }).message, 'a.csv: what');
  assert.is(new errors.DataError('what').message, 'what');
});

test.run();
