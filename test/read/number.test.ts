import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { parseNumber } from '../../src/read/number.js';

function parsed(text: string): number {
  const bytes = new TextEncoder().encode(`x${text}x`);
  return parseNumber(bytes, 1, bytes.length - 1);
}

test('whatever writes a number in decimal is read as Number reads it, to the last bit', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 18 });
  const decimal = fc.tuple(fc.constantFrom('', '-', '+'), digits, fc.constantFrom('', '.'), digits, fc.constantFrom('', 'e3', 'E-7'));
  fc.assert(
    fc.property(decimal, ([sign, whole, dot, fraction, exponent]) => {
      const text = sign + whole + dot + fraction + exponent;
      if (whole === '' && (dot === '' || fraction === '')) return;
      assert.is(parsed(text), Number(text), text);
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => assert.is(parsed(String(value)), value)));
});

test('spaces around a number do not count; all else is no number', () => {
  assert.is(parsed(' 3.5\t'), 3.5);
  for (const text of [
    '',
    ' ',
    '.',
    '+',
    '1e',
    '0x10',
    '1_0',
    '1 2',
    '1,5',
    'Infinity',
    'nan',
    '1e999',
    '٣',
    '3.5.1',
    '--1',
    '1'.repeat(500),
  ]) {
    assert.ok(Number.isNaN(parsed(text)), text);
  }
});

test.run();
