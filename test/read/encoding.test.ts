import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkEncoding, toUtf8 } from '../../src/read/encoding.js';
import { pieces } from '../helpers/read-text.js';

async function text(bytes: Uint8Array, encoding?: string, size?: number): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let all = '';
  for await (const chunk of toUtf8(pieces(bytes, size), 'f', encoding)) all += decoder.decode(chunk, { stream: true });
  return all + decoder.decode();
}

test('a byte order mark says what a text is; without one it is what was named, or UTF-8', async () => {
  const wide = Buffer.from('José,漢', 'utf16le');
  for (const size of [1, 2, 3, 5, 100]) {
    assert.is(await text(Buffer.concat([Buffer.from([0xff, 0xfe]), wide]), 'latin1', size), 'José,漢');
    assert.is(await text(Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(wide).swap16()]), undefined, size), 'José,漢');
    assert.is(await text(Buffer.from('\ufeffJosé'), 'utf-16le', size), 'José');
    assert.is(await text(Buffer.from('José'), undefined, size), 'José');
    assert.is(await text(Buffer.from('José', 'latin1'), 'latin1', size), 'José');
    assert.is(await text(wide, 'utf-16le', size), 'José,漢');
  }
  assert.is(await text(new Uint8Array(0)), '');
  assert.is(await text(new Uint8Array([0x61])), 'a');
});

test('text that is not of the encoding named is refused, and so is an encoding that does not exist', async () => {
  await text(new Uint8Array([0x61, 0x00, 0x61]), 'utf-16le').then(assert.unreachable, (error: Error) =>
    assert.match(error.message, /^f: The text is not utf-16le; name its encoding\.$/),
  );
  assert.throws(() => checkEncoding('klingon'), /^encoding must be a name such as utf-8, latin1 or utf-16le, not 'klingon'\.$/);
});

test.run();
