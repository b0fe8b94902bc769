import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { IdColumn } from '../../src/read/id-column.js';

function column(texts: readonly string[], isText = false): IdColumn {
  const ids = new IdColumn(isText);
  for (const text of texts) {
    const bytes = new TextEncoder().encode(`,${text},`);
    assert.is(ids.take(bytes, 1, bytes.length - 1), undefined);
    ids.push();
  }
  return ids;
}

/** The rule, as one would write it down. */
const isCanonical = (text: string) => Number.isSafeInteger(Number(text)) && String(Number(text)) === text && !Object.is(Number(text), -0);

test('a column is numbers if every field is the canonical text of its number, else all of it is text as it was', () => {
  const number = fc.oneof(fc.nat(), fc.maxSafeNat()).map(String);
  const near = fc.constantFrom(
    '007',
    '+7',
    '7 ',
    ' 7',
    '7.0',
    '1e3',
    '0x7',
    '-0',
    '9007199254740992',
    '76561198000000001',
    '٧',
    '7a',
    '-7',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: number }, near, fc.string({ minLength: 1 })), { minLength: 1 }), (texts) => {
      const valid = texts.filter((text) => Buffer.from(text).toString() === text);
      const ids = column(valid);
      assert.equal(Array.from(ids.toArray()), valid.every(isCanonical) ? valid.map(Number) : valid);
    }),
    { numRuns: 500 },
  );
});

test('text that is asked for is text from the first row', () => {
  assert.equal(Array.from(column(['7', '8'], true).toArray()), ['7', '8']);
});

test('a negative id is one of text only', () => {
  const numbers = column(['5', '-7']);
  assert.equal([numbers.isNegative(0), numbers.isNegative(1)], [false, true]);
  assert.equal([column(['-7', 'x']).isNegative(0), column(['-7', 'x']).toArray()[0]], [false, '-7']);
});

test('rows can be left out', () => {
  assert.equal(Array.from(column(['5', 'x', '6']).toArray((row) => row !== 1)), ['5', '6']);
});

test.run();
