import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf, chunksOf } from '../../src/read/bytes.js';
import { unpacked } from '../../src/read/unpack.js';

const packed = gzipSync('1,2,3\n');
const plain = (bytes: Uint8Array) => unpacked(chunksOf(bytesOf(bytes, 'x')), 'x.gz');

async function sizeOf(chunks: AsyncIterable<Uint8Array>): Promise<number | string> {
  let size = 0;
  try {
    for await (const chunk of chunks) size += chunk.length;
  } catch (error) {
    return (error as Error).message;
  }
  return size;
}

test('what is made to fill the memory is given up', async () => {
  const part = gzipSync(`# ${'x'.repeat(1 << 23)}\n`);
  const bomb = Buffer.concat(Array.from({ length: 40 }, () => part));
  assert.is(await sizeOf(plain(bomb)), 'x.gz: It unpacks to more than 200 times its size, as no table of ratings does.');
  assert.is(await sizeOf(plain(bomb.subarray(0, 4 * part.length))), 4 * ((1 << 23) + 3));
});

test('what is damaged or cut short ends in a sentence, and several parts are read one after the other', async () => {
  for (const wrong of [packed.subarray(0, -1), packed.subarray(0, 5), new Uint8Array(), Buffer.from('plain text')]) {
    assert.is(await sizeOf(plain(wrong)), 'x.gz: The packed data are damaged or cut short.');
  }
  assert.is(await sizeOf(plain(Buffer.concat([packed, packed]))), 12);
});

test('the source is closed when no more is wanted, and its own error is passed on', async () => {
  let isClosed = false;
  const endless = (async function* () {
    try {
      yield packed.subarray(0, 12);
      for (;;) yield packed.subarray(12);
    } finally {
      isClosed = true;
    }
  })();
  for await (const chunk of unpacked(endless, 'x.gz')) if (chunk.length > 0) break;
  assert.ok(isClosed);
  const broken = (async function* () {
    yield packed.subarray(0, 12);
    await Promise.resolve();
    throw new Error('offline');
  })();
  assert.is(await sizeOf(unpacked(broken, 'x.gz')), 'offline');
});

test.run();
