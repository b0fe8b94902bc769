/** Every way to read the same bytes gives the same ratings, or the same sentence. */
import fc from 'fast-check';
import { gzipSync, strToU8, zipSync, type Zippable } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ParseRatingsOptions } from '../../src/read/parse-ratings.js';
import { readEveryWay } from '../helpers/packed.js';
import { rows } from '../helpers/ratings-files.js';

const csv = 'user,item,rating,time\n1,"a, ""b""",3.5,978\n2,é漢,4,979\n';
const bytesOf = (text: string, encoding: BufferEncoding): Uint8Array => Uint8Array.from(Buffer.from(text, encoding));
const utf16be = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'utf16le').swap16());

const texts: Record<string, [bytes: Uint8Array, options?: ParseRatingsOptions]> = {
  csv: [strToU8(csv)],
  'csv with a mark': [strToU8(`\ufeff${csv}`)],
  'UTF-16, little end first': [bytesOf(`\ufeff${csv}`, 'utf16le')],
  'UTF-16, big end first': [utf16be(`\ufeff${csv}`)],
  'UTF-16 without a mark': [bytesOf(csv, 'utf16le'), { encoding: 'utf-16le' }],
  'Latin-1': [bytesOf(csv.replace('漢', ''), 'latin1'), { encoding: 'latin1' }],
  'u.data': [strToU8('196\t242\t3\t881250949\n186\t302\t3\t891717742\n')],
  'ratings.dat': [strToU8('1::1193::5::978300760\r\n1::661::3::978302109\r\n')],
  'JSON lines': [strToU8('{"who":"A","what":1,"stars":4}\n{"stars":2,"who":"é","what":2}\n'), { userColumn: 'who', itemColumn: 'what' }],
  blocks: [strToU8('1:\n1488844,3,2005-09-06\n2:\n1,4,1970-01-02\n')],
  'a bad row': [strToU8('user,item,rating\n1,2,3\n1,3,bad\n')],
  'bad rows left out': [strToU8('user,item,rating\n1,2,3\n1,3,bad\n'), { skipBadRows: true }],
  'wrong encoding': [bytesOf(csv, 'latin1')],
  'no text': [new Uint8Array([1, 2, 0, 3, 4, 5])],
  'no table': [strToU8('<html></html>')],
  nothing: [new Uint8Array()],
};

const zip = (files: Zippable): Uint8Array => zipSync(files, { mtime: '2020-01-01' });
const packings: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  'as it is': (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes, { mtime: 0 }),
  zip: (bytes) => zip({ 'a/b.txt': bytes }),
  'zip, stored': (bytes) => zip({ 'b.txt': [bytes, { level: 0 }] }),
  'gzip in zip': (bytes) => zip({ 'ratings.csv.gz': gzipSync(bytes, { mtime: 0 }), 'movies.csv': strToU8('movieId,title\n1,One\n') }),
  'zip in gzip': (bytes) => gzipSync(zip({ 'b.txt': bytes }), { mtime: 0 }),
  'gzip in zip in gzip': (bytes) => gzipSync(zip({ 'b.gz': gzipSync(bytes, { mtime: 0 }) }), { mtime: 0 }),
};
const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });

for (const [packing, pack] of Object.entries(packings)) {
  test(`every way gives the same: ${packing}`, async () => {
    for (const [text, [bytes, options]] of Object.entries(texts)) {
      const [first, ...others] = await readEveryWay(pack(bytes), options, [1]);
      for (const other of others) assert.equal(other, first, `${text}, ${packing}`);
      if (typeof first !== 'string') assert.is(first.columns.ratings.length, text === 'bad rows left out' ? 1 : 2);
      else assert.match(first, /^DataError: \S*every-way\S*: .*\.$/);
    }
  });
}

test('wherever a stream is cut into pieces', async () => {
  const cases = fc.tuple(fc.constantFrom(...Object.values(texts)), fc.constantFrom(...Object.values(packings)), sizes);
  await fc.assert(
    fc.asyncProperty(cases, async ([[bytes, options], pack, cuts]) => {
      const [first, , streamed] = await readEveryWay(pack(bytes), options, cuts);
      assert.equal(streamed, first);
    }),
    { numRuns: 60 },
  );
});

test('bytes that are cut short, or one of which is another, are refused by the same sentence or read the same', async () => {
  const packed = fc.constantFrom(...Object.values(packings).slice(1));
  const spot = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  await fc.assert(
    fc.asyncProperty(packed, spot, fc.boolean(), sizes, async (pack, where, isCut, cuts) => {
      const bytes = pack(strToU8(csv)).slice();
      const at = Math.floor(where * bytes.length);
      if (!isCut) bytes[at] ^= 0x24;
      const damaged = isCut ? bytes.slice(0, at) : bytes;
      const [first, ...others] = await readEveryWay(damaged, {}, cuts);
      for (const other of others) assert.equal(other, first);
      // A name or a time in a header may be another; a rating may not.
      if (typeof first !== 'string')
        assert.equal(rows(first), [
          [1, 'a, "b"', 3.5, 978],
          [2, 'é漢', 4, 979],
        ]);
      else assert.match(first, /^DataError: \S*every-way.*\.$/s);
    }),
    { numRuns: 150 },
  );
});

test('what is packed once more is not unpacked', async () => {
  const once = (bytes: Uint8Array) => gzipSync(bytes, { mtime: 0 });
  for (const file of await readEveryWay(once(once(once(once(strToU8(csv))))))) {
    assert.match(String(file), /every-way: This is packed more than 3 times; unpack it first\.$/);
  }
});

test.run();
