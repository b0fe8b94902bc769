import { gzipSync, strToU8, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/base/errors.js';
import { parseRatings, type ParseRatingsOptions } from '../../src/read/parse-ratings.js';
import type { RatingsFile } from '../../src/read/ratings-file.js';
import { blobOf, streamed } from '../helpers/packed.js';
import { rows } from '../helpers/ratings-files.js';

const uData = strToU8('196\t242\t3\t881250949\n186\t302\t4\t891717742\n');
const uItem = Uint8Array.from(Buffer.from('242|Kolya (1996)|x\n302|Misérables, Les (1995)|y\n', 'latin1'));
const movieLens = zipSync({ 'ml-100k/': new Uint8Array(), 'ml-100k/u.data': uData, 'ml-100k/u.item': uItem, 'ml-100k/u1.base': uData });
const csv = strToU8('userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n');
const expected = [
  [196, 242, 3, 881250949],
  [186, 302, 4, 891717742],
];

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
    const given = [blobOf(bytes), new File([bytes as Uint8Array<ArrayBuffer>], 'x'), bytes, streamed(bytes, [5])];
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

test('what is no source, and options that are none, are refused in a sentence', async () => {
  const locked = streamed(csv, [9]);
  locked.getReader();
  const refusals: [run: () => Promise<unknown>, message: RegExp][] = [
    [() => parseRatings('a.csv' as never), /^TypeError: parseRatings takes a Blob, a ReadableStream or a Uint8Array, not 'a\.csv'\.$/],
    [() => parseRatings(null as never), /^TypeError: parseRatings takes a Blob, .*, not null\.$/],
    [() => parseRatings(locked), /^TypeError: The stream is read by somebody else already\.$/],
    [
      () => parseRatings(new Blob(['1,2,3']).stream().pipeThrough(new TextDecoderStream()) as never),
      /^TypeError: A stream of ratings gives Uint8Arrays, not '1,2,3'\.$/,
    ],
    [() => parseRatings(csv, { textids: true } as object), /^TypeError: parseRatings has no option 'textids'; did you mean textIds\?$/],
    [() => parseRatings(csv, { name: 5 as never }), /^TypeError: name must be a text, not 5\.$/],
    [() => parseRatings(new Uint8Array()), /^DataError: ratings: The file is empty\.$/],
  ];
  for (const [run, message] of refusals) {
    await run().then(
      () => assert.unreachable(),
      (error: unknown) => assert.match(String(error), message),
    );
  }
});

const many = strToU8(`user,item,rating\n${Array.from({ length: 300_000 }, (_, k) => `${k % 999},${k},${k % 5}`).join('\n')}`);

test('progress is told as bytes are read, to the last', async () => {
  const archive = zipSync({ 'a.csv': many });
  for (const [source, total] of [
    [blobOf(many), many.length],
    [streamed(many, [1 << 20]), undefined],
    [streamed(gzipSync(many), [1 << 16]), undefined],
    [blobOf(archive), undefined],
  ] as const) {
    const told: [bytes: number, total: number | undefined][] = [];
    await parseRatings(source, { onProgress: (bytes, all) => void told.push([bytes, all]) });
    const last = told.at(-1)!;
    assert.ok(told.length > 1 && told.every(([bytes], k) => k === 0 || bytes > told[k - 1][0]));
    if (total !== undefined) assert.equal(last, [total, total]);
    // Of an archive the file in it counts.
    if (source instanceof Blob && total === undefined) assert.ok(last[0] === last[1]! && last[0] < archive.length);
  }
});

test('an abort ends the reading with its reason, and gives the stream up', async () => {
  const failed = async (source: Blob | ReadableStream<Uint8Array>, signal: AbortSignal, onProgress?: () => void) =>
    parseRatings(source, { signal, onProgress }).then(
      () => 'no error',
      (error: Error) => error.message,
    );
  assert.is(await failed(blobOf(many), AbortSignal.abort(new Error('never'))), 'never');
  for (const source of [blobOf(many), blobOf(gzipSync(many)), blobOf(zipSync({ 'a.csv': many })), streamed(many, [1 << 20])]) {
    const stop = new AbortController();
    assert.is(await failed(source, stop.signal, () => stop.abort(new Error('enough'))), 'enough');
  }
  // Nothing comes any more.
  const stop = new AbortController();
  let given = false;
  const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined), cancel: () => void (given = true) });
  setTimeout(() => stop.abort(new Error('too slow')), 5);
  assert.is(await failed(silent, stop.signal), 'too slow');
  assert.ok(given);
});

test("a stream's own error is what the caller gets", async () => {
  const broken = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(gzipSync(many).subarray(0, 99));
        controller.error(new Error('offline'));
      },
    });
  assert.is(await parseRatings(broken()).then(String, (error: Error) => error.message), 'offline');
});

test.run();
