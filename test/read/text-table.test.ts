import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TextTable } from '../../src/read/text-table.js';

const encoder = new TextEncoder();

test('the same text has the same code, whatever stands around it; codes count first appearances', () => {
  const table = new TextTable();
  const texts = Array.from({ length: 20_000 }, (_, k) => `${k % 7 === 0 ? 'é漢' : ''}${(k * 7919) % 6000}`);
  const codes = new Map<string, number>();
  for (const [k, text] of texts.entries()) {
    const bytes = encoder.encode(`${'x'.repeat(k % 3)}${text}y`);
    const start = k % 3;
    const code = table.code(bytes, start, bytes.length - 1);
    if (!codes.has(text)) codes.set(text, codes.size);
    assert.is(code, codes.get(text));
    assert.is(table.codeOf(text), code);
  }
  assert.equal(table.texts, [...codes.keys()]);
});

test('what is not UTF-8, or half a surrogate pair, has no code; a byte order mark is text', () => {
  const table = new TextTable();
  assert.is(table.code(new Uint8Array([0x61, 0xe9]), 0, 2), -1);
  assert.is(table.codeOf('\ud800'), -1);
  assert.equal([table.codeOf('\ufeffa'), table.codeOf('a')].length, new Set([table.codeOf('\ufeffa'), table.codeOf('a')]).size);
});

test.run();
