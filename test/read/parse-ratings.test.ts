import { gzipSync, strToU8, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/base/errors.js';
import { parseRatings, type ParseRatingsOptions } from '../../src/read/parse-ratings.js';
import type { RatingsFile } from '../../src/read/ratings-file.js';
import { rows } from '../helpers/ratings-files.js';

const uData = strToU8('196\t242\t3\t881250949\n186\t302\t4\t891717742\n');
const uItem = Uint8Array.from(Buffer.from('242|Kolya (1996)|x\n302|Misérables, Les (1995)|y\n', 'latin1'));
const movieLens = zipSync({ 'ml-100k/': new Uint8Array(), 'ml-100k/u.data': uData, 'ml-100k/u.item': uItem, 'ml-100k/u1.base': uData });
const csv = strToU8('userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n');
const expected = [
  [196, 242, 3, 881250949],
  [186, 302, 4, 891717742],
];

/** The bytes as a stream, in pieces of `size`. */
function streamed(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

async function refused(
  source: Uint8Array | Blob | ReadableStream<Uint8Array>,
  message: RegExp,
  options?: ParseRatingsOptions,
): Promise<void> {
  await parseRatings(source, options).then(
    (file) => assert.unreachable(`read: ${JSON.stringify(file.columns)}`),
    (error: Error) => {
      assert.instance(error, DataError, String(error));
      assert.match(error.message, message);
    },
  );
}

test('a Blob, a File, bytes and a stream give the same, plain, gzipped and in an archive', async () => {
  for (const bytes of [uData, gzipSync(uData), zipSync({ 'my.tsv': uData }), zipSync({ 'my.tsv': [uData, { level: 0 }] })]) {
    const given = [
      new Blob([bytes as Uint8Array<ArrayBuffer>]),
      new File([bytes as Uint8Array<ArrayBuffer>], 'x'),
      bytes,
      streamed(bytes, 5),
    ];
    const read = await Promise.all(given.map((source) => parseRatings(source)));
    for (const file of read) assert.equal(rows(file), expected);
    assert.equal(
      read.map(({ name }) => name),
      ['ratings', 'x', 'ratings', 'ratings'],
    );
  }
});

test("the archives of MovieLens give their ratings and titles; one of another's file gives that", async () => {
  const file: RatingsFile = await parseRatings(movieLens, { name: 'ml-100k.zip' });
  assert.equal(
    [rows(file), file.name, [...file.titles!]],
    [
      expected,
      'ml-100k.zip',
      [
        [242, 'Kolya (1996)'],
        [302, 'Misérables, Les (1995)'],
      ],
    ],
  );
  const latest = zipSync({
    'ml/ratings.csv': csv,
    'ml/movies.csv': strToU8('movieId,title,genres\n31,"A, ""b""",x\n'),
    'ml/tags.csv': csv,
  });
  assert.is((await parseRatings(latest)).titles!.get(31), 'A, "b"');
  const million = zipSync({ 'ml-1m/ratings.dat': strToU8('1::31::5::978\n'), 'ml-1m/movies.dat': strToU8('31::Heat::x\n') });
  assert.is((await parseRatings(million)).titles!.get(31), 'Heat');
  const one = await parseRatings(zipSync({ 'a/mine.csv': csv, README: uItem, '__MACOSX/._mine.csv': uItem }));
  assert.equal([rows(one).length, one.titles, one.notes], [1, undefined, []]);
  const books = await parseRatings(zipSync({ 'Books.csv': uItem, 'Book-Ratings.csv': csv, 'Users.csv': uItem }));
  assert.equal([rows(books).length, books.notes], [1, ["ratings: of its 3 files 'Book-Ratings.csv' was read."]]);
});

test('an archive in which the ratings cannot be told is refused with its list', async () => {
  const two = zipSync({ 'a.csv': csv, 'b.csv': csv });
  await refused(two, /^x\.zip: It is unclear which file of the archive holds the ratings: a\.csv, b\.csv; unpack it and name one\.$/, {
    name: 'x.zip',
  });
  await refused(zipSync({ 'README.txt': csv }), /^ratings: The archive holds no file of ratings\.$/);
});

test('a malformed row of an archive is named with the file in it', async () => {
  await refused(zipSync({ 'a/x.csv': strToU8('1,2,3\n4,5,bad\n') }), /^x\.zip\/a\/x\.csv:2: column 2 .*: 'bad'\.$/, { name: 'x.zip' });
});

test.run();
