import { strToU8, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf } from '../../src/read/bytes.js';
import { unpacked } from '../../src/read/unpack.js';
import { zipEntries } from '../../src/read/zip.js';
import { blobOf } from '../helpers/packed.js';

/** The files of an archive by name, as text. */
async function unzip(archive: Uint8Array): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { name, gzip } of await zipEntries(bytesOf(blobOf(archive), 'x.zip'), 'x.zip')) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of unpacked(gzip(), name)) chunks.push(chunk);
    files[name] = Buffer.concat(chunks).toString();
  }
  return files;
}

const failure = (archive: Uint8Array): Promise<string> =>
  unzip(archive).then(
    (files) => `no error: ${Object.keys(files).join()}`,
    (error: Error) => error.message,
  );

const DAMAGED = 'x.zip: The zip archive is damaged or cut short.';
/** Where the end record and the first record of the directory of an archive without a comment begin. */
const endOf = (archive: Uint8Array): number => archive.length - 22;
const directoryOf = (archive: Uint8Array): number => new DataView(archive.buffer).getUint32(endOf(archive) + 16, true);

/** The archive with a change made to a copy of its bytes. */
function changed(archive: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = archive.slice();
  change(new DataView(copy.buffer));
  return copy;
}

const long = Array.from({ length: 40_000 }, (_, k) => `${k % 97},${k}`).join('\n');

test('files come out whole, deflated or stored, whatever their size', async () => {
  const contents = { 'a/b.txt': 'b', empty: '', long, 'é.txt': 'é' };
  for (const level of [0, 6] as const) {
    const bytes = Object.fromEntries(Object.entries(contents).map(([name, text]) => [name, strToU8(text)]));
    assert.equal(await unzip(zipSync({ ...bytes, 'a/': new Uint8Array() }, { level, comment: 'by us' })), contents);
  }
  assert.equal(await unzip(zipSync({})), {});
});

test('Zip64 is read', async () => {
  const wide = (...numbers: number[]) => new Uint8Array(BigUint64Array.from(numbers, BigInt).buffer);
  const text = 'sizes of eight bytes';
  const archive = zipSync({ x: [strToU8(text), { level: 0, extra: { 7: new Uint8Array(3), 1: wide(text.length, text.length, 0) } }] });
  const large = changed(archive, (view) => {
    for (const field of [20, 24, 42]) view.setUint32(directoryOf(archive) + field, 0xffffffff, true);
  });
  assert.equal(await unzip(large), { x: text });

  const end = new DataView(new ArrayBuffer(56 + 20 + 22));
  end.setUint32(0, 0x06064b50, true);
  end.setBigUint64(32, 1n, true);
  end.setBigUint64(40, BigInt(endOf(archive) - directoryOf(archive)), true);
  end.setBigUint64(48, BigInt(directoryOf(archive)), true);
  end.setUint32(56, 0x07064b50, true);
  end.setBigUint64(64, BigInt(endOf(archive)), true);
  end.setUint32(76, 0x06054b50, true);
  end.setUint16(86, 0xffff, true);
  end.setUint32(92, 0xffffffff, true);
  assert.equal(await unzip(Buffer.concat([large.subarray(0, endOf(archive)), new Uint8Array(end.buffer)])), { x: text });
});

test('what is damaged, cut short or encrypted is said, never unpacked to something else', async () => {
  const archive = zipSync({ x: strToU8(long), y: [strToU8('stored'), { level: 0 }] });
  for (const size of [0, 1, 21, 30, archive.length >> 1, archive.length - 1]) {
    assert.is(await failure(archive.slice(0, size)), DAMAGED, String(size));
  }
  const directory = directoryOf(archive);
  const flipped = (at: number) => failure(changed(archive, (view) => view.setUint8(at, view.getUint8(at) ^ 0x10)));
  assert.match(await flipped(2000), /^x: The packed data are damaged or cut short\.$/);
  assert.match(await flipped(directory - 3), /^y: The packed data are damaged/); // a stored byte: its CRC-32 tells
  assert.match(await flipped(directory + 16), /^x: The packed data are damaged/); // the CRC-32 itself
  assert.match(await flipped(directory + 24), /^x: The packed data are damaged/); // the size
  assert.is(await flipped(directory), DAMAGED);
  assert.is(await flipped(0), DAMAGED);
  assert.is(await failure(changed(archive, (view) => view.setUint32(directory + 20, 1e9, true))), DAMAGED);
  assert.is(await failure(changed(archive, (view) => view.setUint32(directory + 42, 1e9, true))), DAMAGED);
  const encrypted = changed(archive, (view) => view.setUint16(directory + 8, 1, true));
  assert.is(await failure(encrypted), 'x.zip/x: This file is encrypted; unpack it with its password first.');
  const other = changed(archive, (view) => view.setUint16(directory + 10, 93, true));
  assert.is(await failure(other), 'x.zip/x: This file is packed by method 93 of zip, which is not read; unpack it first.');
});

test.run();
