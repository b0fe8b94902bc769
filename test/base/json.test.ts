import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countJson, isObject, parseJson, quote } from '../../src/base/json.js';

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

test('a text of any origin is counted before it is parsed, and refused where it is too deep or too much', () => {
  const limits = { maxDepth: 2, maxValues: 5 };
  assert.equal(parseJson('{"a":[1,"[[["]}', limits), { a: [1, '[[['] });
  const refused: [text: string, message: string][] = [
    ['[[[1]]]', 'has brackets 3 deep, where 2 are the most'],
    ['['.repeat(1e6), 'has brackets 1000000 deep, where 2 are the most'],
    ['[1,2,3,4,5]', 'has 6 values, where 5 are the most'],
    ['{"a"', 'is not JSON'],
    ['"a', 'is not JSON'],
    ['"\\', 'is not JSON'],
    ['', 'is not JSON'],
  ];
  for (const [text, message] of refused) {
    assert.throws(
      () => parseJson(text, limits),
      (error: Error) => error instanceof SyntaxError && error.message === message,
      text.slice(0, 20),
    );
  }
});

test('the counts bound what a text holds, however its strings look', () => {
  const parts = (value: unknown): { depth: number; nValues: number; nKeys: number } => {
    if (typeof value !== 'object' || value === null) return { depth: 0, nValues: 1, nKeys: 0 };
    const inner = Object.values(value).map(parts);
    return {
      depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
      nValues: 1 + inner.reduce((sum, { nValues }) => sum + nValues, 0),
      nKeys: (Array.isArray(value) ? 0 : inner.length) + inner.reduce((sum, { nKeys }) => sum + nKeys, 0),
    };
  };
  fc.assert(
    fc.property(fc.json(), (text) => {
      const counted = countJson(text);
      const { depth, nValues, nKeys } = parts(JSON.parse(text));
      assert.is(counted.depth, depth);
      assert.ok(counted.nValues >= nValues && counted.nValues <= 2 * nValues);
      assert.ok(counted.nKeys >= nKeys);
    }),
    { numRuns: 500 },
  );
});

test.run();
