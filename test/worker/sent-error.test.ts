import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as errors from '../../src/base/errors.js';
import { DataError, DivergedError, DotbiasError } from '../../src/base/errors.js';
import { reviveError, sendError } from '../../src/worker/sent-error.js';

const sent = (error: unknown) => reviveError(structuredClone(sendError(error)));

test('errors come over as errors of the same class, with all that they say', () => {
  const diverged = sent(new DivergedError(7, 0.5)) as DivergedError;
  assert.ok(diverged instanceof DivergedError && diverged instanceof DotbiasError);
  assert.equal([diverged.name, diverged.step, diverged.lr], ['DivergedError', 7, 0.5]);
  assert.is(diverged.message, new DivergedError(7, 0.5).message);
  const data = sent(new DataError('is no number.', { file: 'u.data', line: 3, value: 'x' })) as DataError;
  assert.ok(data instanceof DataError);
  assert.equal([data.message, data.file, data.line, data.value], ['u.data:3: is no number.', 'u.data', 3, 'x']);
});

test('errors of the language and exceptions of the DOM do so too', () => {
  for (const Class of [RangeError, TypeError, Error]) {
    const error = sent(new Class('what'));
    assert.ok(error instanceof Class && Object.getPrototypeOf(error) === Class.prototype);
    assert.is(String(error), `${Class.name}: what`);
  }
  const aborted = sent(new DOMException('enough', 'AbortError'));
  assert.ok(aborted instanceof DOMException);
  assert.is(aborted.name, 'AbortError');
});

test('the stack is that of where it was thrown', () => {
  const error = new RangeError('what');
  assert.is(sent(error).stack, error.stack);
});

test('a cause comes along, an error as such and anything else as text', () => {
  const { cause } = sent(new DotbiasError('a', { cause: new RangeError('b', { cause: 'c' }) }));
  assert.ok(cause instanceof RangeError);
  assert.is(cause.cause, 'c');
});

test('an error of an unknown class is an Error of that name, and what is no error becomes one', () => {
  class OwnError extends Error {
    override name = 'OwnError';
    what = { nested: true }; // is left behind
    count = 3;
  }
  const own = sent(new OwnError('what')) as OwnError;
  assert.equal([own.name, own.message, own.count, own.what], ['OwnError', 'what', 3, undefined]);
  assert.is(String(sent('text')), 'Error: text');
  assert.is(String(sent(undefined)), 'Error: undefined');
});

test('every class of error of ours comes over as itself', () => {
  const classes = Object.values(errors).filter((Class) => Class === DotbiasError || Class.prototype instanceof DotbiasError);
  assert.ok(classes.length > 5);
  for (const { name, prototype } of classes) {
    const error: Error = Object.create(prototype, { name: { value: name }, message: { value: 'what' } });
    assert.is(Object.getPrototypeOf(sent(error)), prototype, name);
  }
});

test.run();
