import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTar } from '../../../src/node/device/tar.js';

/** One member of a ustar archive. */
function member(name: string, content: string, { type = '0', prefix = '' } = {}): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(content.length.toString(8).padStart(11, '0'), 124);
  header.write(type, 156);
  header.write('ustar', 257);
  header.write(prefix, 345);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body]);
}

const end = Buffer.alloc(1024);
const contents = (archive: Uint8Array) =>
  Object.fromEntries(Array.from(readTar(archive), ([name, content]) => [name, Buffer.from(content).toString()]));

test('files come by name with their exact content, whole blocks and empty ones included', () => {
  const block = 'x'.repeat(512);
  const archive = Buffer.concat([member('a', 'one'), member('b', block), member('c', ''), member('d', 'last'), end]);
  assert.equal(contents(archive), { a: 'one', b: block, c: '', d: 'last' });
});

test('names are joined with their prefix and lose a leading ./', () => {
  const archive = Buffer.concat([member('./a', '1'), member('b', '2', { prefix: 'long/path' }), end]);
  assert.equal(contents(archive), { a: '1', 'long/path/b': '2' });
});

test('folders and links are left out', () => {
  const archive = Buffer.concat([member('dir/', '', { type: '5' }), member('l', '', { type: '2' }), member('a', '1'), end]);
  assert.equal(contents(archive), { a: '1' });
});

test('an archive without its end blocks is read to the end', () => {
  assert.equal(contents(member('a', 'one')), { a: 'one' });
});

test('an archive cut inside a file is refused by the name of that file', () => {
  const archive = member('library.so', 'x'.repeat(2000));
  assert.throws(() => readTar(archive.subarray(0, 1200)), /ends inside library\.so/);
});

test.run();
