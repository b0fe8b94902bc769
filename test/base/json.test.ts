import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isObject, quote } from '../../src/base/json.js';

test('an object is what JSON calls one', () => {
  for (const value of [{}, { a: 1 }, Object.create(null)]) assert.ok(isObject(value));
  for (const value of [null, [], 'a', 3, undefined, true]) assert.not(isObject(value));
});

test('a value is quoted as JSON, at most 80 characters of it, and a nested one is only named', () => {
  assert.is(quote('a"b'), '"a\\"b"');
  assert.is(quote(null), 'null');
  assert.is(quote(undefined), 'undefined');
  assert.is(quote([1, 'x']), '[1,"x"]');
  assert.is(quote('x'.repeat(100)), `"${'x'.repeat(79)}...`);
  for (const nested of [{ a: 1 }, [[1]], [{}]]) assert.is(quote(nested), 'something nested');
});

test.run();
