import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { CollabData } from '../../../src/data/collab-data.js';
import { readRatings, readSplit } from '../../../src/node/ratings/ratings-file.js';
import { fails, folder, put, read, refuse, rows } from '../../helpers/ratings-files.js';

const two = [
  [196, 242, 3, 881250949],
  [186, 302, 4.5, 891717742],
];

test('tab, comma, semicolon, ::, | and space separate fields; the first line may be a header', async () => {
  for (const [delimiter, name] of [
    ['\t', 'u.data'],
    [',', 'a.csv'],
    [';', 'b.csv'],
    ['::', 'ratings.dat'],
    ['|', 'c.txt'],
    [' ', 'd.txt'],
  ]) {
    const lines = two.map((row) => row.join(delimiter));
    assert.equal(await read(name, lines.join('\n')), two, name);
    assert.equal(await read(name, [['userId', 'movieId', 'rating', 'timestamp'].join(delimiter), ...lines, ''].join('\n')), two, name);
  }
});

test("one person's ratings need no users, and may name items by title", async () => {
  const one = { onePerson: true };
  const mine = [
    [0, 'Postman, The', 4.5],
    [0, '187', 2],
  ];
  const contents = [
    '"Postman, The",4.5\n187,2\n',
    'item,rating\n"Postman, The",4.5\n187,2\n',
    'Postman, The\t4.5\n187\t2',
    'rating;title;seen\n4.5;Postman, The;x\n2;187;y\n',
  ];
  for (const content of contents) assert.equal(await read('mine.csv', content, one), mine, content);
  assert.equal(await read('mine.csv', '7,50,4\n7,51,2\n', one), [
    [7, 50, 4],
    [7, 51, 2],
  ]);
  assert.equal(await read('mine.csv', 'user,item,rating\nann,50,4\nbob,51,2\n', one), [
    ['ann', 50, 4],
    ['bob', 51, 2],
  ]);
  await refuse('item,rating\n50,4\n-3,4\n', { message: /the item is negative/, line: 3, column: 'item', value: '-3' }, one);
  await refuse('50\n51\n', { message: /not have two fields \(item, rating\)/, line: 1 }, one);
  await refuse('user,rating\n50,4\n', { message: /There is no item column/ }, one);
  await refuse('item,rating\n50,4\n', { message: /not have three fields \(user, item, rating\) separated by '::' or a tab or ','/ });
});

test('line ends, blank lines, a byte order mark and gzip do not matter', async () => {
  const body = 'user,item,rating\n1,2,3\n4,5,1\n';
  const expected = [
    [1, 2, 3],
    [4, 5, 1],
  ];
  assert.equal(await read('crlf.csv', body.replaceAll('\n', '\r\n')), expected);
  assert.equal(await read('cr.csv', body.replaceAll('\n', '\r')), expected);
  assert.equal(await read('blank.csv', `\n${body.replaceAll('\n', '\n\n')}\n\n`), expected);
  assert.equal(await read('bom.csv', `\uFEFF${body}`), expected);
  assert.equal(await read('bom-no-header.csv', '\uFEFF1,2,3\n4,5,1'), expected);
  assert.equal(await read('packed.csv.gz', gzipSync(body)), expected);
  assert.equal(await read('packed-without-ending', gzipSync(body)), expected);
});

test('columns are found by name, wherever they stand', async () => {
  assert.equal(await read('named.csv', 'timestamp,Rating,note,product_id,User ID\n9,4,x,7,1\n'), [[1, 7, 4, 9]]);
});

test('columns can be chosen by name and by position', async () => {
  const text = 'a,b,c,d,e\n9,4,3,7,1\n';
  assert.equal(await read('chosen.csv', text, { userColumn: 'e', itemColumn: 'd', ratingColumn: 1 }), [[1, 7, 4]]);
  const byPosition = { userColumn: 0, itemColumn: 1, ratingColumn: 2 };
  assert.equal(await read('chosen.csv', text, { ...byPosition, timestampColumn: 'e' }), [[9, 4, 3, 1]]);
  assert.equal(await read('chosen.csv', text, { ...byPosition, timestampColumn: null }), [[9, 4, 3]]);
  assert.equal(await read('bare.csv', '9,4,3\n', { userColumn: 2, itemColumn: 1, ratingColumn: 0 }), [[3, 4, 9]]);
});

test('header and delimiter can be forced', async () => {
  assert.equal(await read('years.csv', '2020,2021,2022\n1,2,3\n', { header: true }), [[1, 2, 3]]);
  assert.equal(await read('words.csv', 'ann,bob,3\n', { header: false }), [['ann', 'bob', 3]]);
  assert.equal(await read('hat.csv', '1^2^3\n', { delimiter: '^' }), [[1, 2, 3]]);
  await refuse(
    'ann,bob,good\n',
    { message: /:1: column 2 \(from 0\): the rating is not a finite number: 'good'/, line: 1 },
    { header: false },
  );
});

test('ids are numbers where the whole column is integers, else text', async () => {
  assert.equal(await read('mixed.csv', '1,a,3\n2,7,4\n'), [
    [1, 'a', 3],
    [2, '7', 4],
  ]);
  assert.equal(await read('quoted.csv', 'user,item,rating\n"x, ""y""",1,3\n"2\n3",1,4\n'), [
    ['x, "y"', 1, 3],
    ['2\n3', 1, 4],
  ]);
  for (const other of ['2.0', '02', '+2', '2e0', '2 ', ' 2', '-0', '9007199254740993']) {
    assert.equal(await read('canonical.csv', `1,2,3\n${other},2,3\n`), [
      ['1', 2, 3],
      [other, 2, 3],
    ]);
  }
  assert.equal(await read('underscore.csv', '1_2,1,3\n12,1,3\n'), [
    ['1_2', 1, 3],
    ['12', 1, 3],
  ]);
  assert.equal(await read('inf.csv', 'inf,1,3\nnan,1,3\n'), [
    ['inf', 1, 3],
    ['nan', 1, 3],
  ]);
  assert.equal(await read('text.csv', '007,2,3\n', { textIds: true }), [['007', '2', 3]]);
  assert.equal(await read('quote.tsv', 'a"b\t2\t3\n'), [['a"b', 2, 3]]);
});

/** How a table is written: a quote may stand within a field only where neither `,` nor `;` separates fields. */
interface Style {
  delimiter: string;
  lineEnd: string;
  header: boolean;
  /** The reader is told the delimiter. */
  isTold: boolean;
  /** Fields that need no quotes are quoted too. */
  quoteAll: boolean;
  textIds: boolean;
}

const styles: fc.Arbitrary<Style> = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '::', '|', ' ', '^', '~'),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  header: fc.boolean(),
  isTold: fc.boolean(),
  quoteAll: fc.boolean(),
  textIds: fc.boolean(),
});
/** Whether a quoted field may run over several lines, and a quote must be quoted. */
const isStrict = ({ delimiter }: Style) => delimiter === ',' || delimiter === ';';

/** Text that a style can hold: delimiters and line ends within quotes, and line ends only below a header. */
function textOf(style: Style): fc.Arbitrary<string> {
  const letters = ['a', 'Z', '"', ',', ';', '|', ' ', 'é', '漢', '-', '_', '0', '7', '.', 'e'];
  const safe = letters.filter((letter) => !style.delimiter.includes(letter));
  const unit = fc.constantFrom(...(!isStrict(style) ? safe : style.header ? [...letters, style.lineEnd] : letters));
  return fc.string({ minLength: 1, maxLength: 6, unit });
}

/** A column of ids and how it is to come back: numbers if all are, otherwise text. */
function idsOf(style: Style, n: number): fc.Arbitrary<{ written: string[]; read: (string | number)[] }> {
  const column = <T>(ids: fc.Arbitrary<T>) => fc.array(ids, { minLength: n, maxLength: n });
  const numbers = column(fc.nat()).map((ids) => ({ written: ids.map(String), read: style.textIds ? ids.map(String) : ids }));
  const text = column(fc.oneof(textOf(style), fc.nat().map(String), fc.constantFrom('007', '1e3'))).map((ids) => {
    const written = style.textIds ? ids : ['x', ...ids.slice(1)]; // one that is surely no number
    return { written, read: written };
  });
  return fc.oneof(numbers, text);
}

const tables = fc.tuple(styles, fc.integer({ min: 1, max: 8 })).chain(([style, n]) =>
  fc.record({
    style: fc.constant(style),
    users: idsOf(style, n),
    items: idsOf(style, n),
    ratings: fc.array(
      fc.integer({ min: -20, max: 20 }).map((k) => k / 4),
      { minLength: n, maxLength: n },
    ),
  }),
);

test('whatever is written comes back, for any delimiter, quotes, line ends and ids', async () => {
  await fc.assert(
    fc.asyncProperty(tables, async ({ style, users, items, ratings }) => {
      const { delimiter, lineEnd, header, isTold, quoteAll, textIds } = style;
      const field = (value: string): string => {
        const needsQuotes = quoteAll || ['"', delimiter, lineEnd].some((special) => value.includes(special));
        return needsQuotes && (isStrict(style) || value.startsWith('"')) ? `"${value.replaceAll('"', '""')}"` : value;
      };
      const lines = ratings.map((rating, k) => [users.written[k], items.written[k], String(rating)].map(field).join(delimiter));
      if (header) lines.unshift(['user', 'item', 'rating'].join(delimiter));
      // Text in the first line may hold a delimiter that the reader would look for before ours; ^ and ~ it does not know.
      const told = isTold || !header || '^~'.includes(delimiter) ? { delimiter } : {};
      assert.equal(
        await read('any.csv', lines.join(lineEnd), { ...told, ...(textIds && { textIds }), ...(!header && { header }) }),
        ratings.map((rating, k) => [users.read[k], items.read[k], rating]),
      );
    }),
    { numRuns: 40 },
  );
});

test('dates become seconds; a fourth column that nobody named counts only if it is times throughout', async () => {
  assert.equal(await read('dates.csv', 'user,item,rating,date\n1,2,3,1970-01-02 00:00:00\n1,3,3,1970-01-01\n'), [
    [1, 2, 3, 86400],
    [1, 3, 3, 0],
  ]);
  assert.equal(await read('notes.csv', '1,2,3,nice\n1,3,4,17\n'), [
    [1, 2, 3],
    [1, 3, 4],
  ]);
});

test('a time that cannot be read stops only who named its column; else the ratings have no times, which is said', async () => {
  const text = 'user,item,rating,time\n1,2,3,4\n1,3,4,soon\n';
  const unread = await readRatings(await put('soon.csv', text));
  assert.equal(rows(unread), [
    [1, 2, 3],
    [1, 3, 4],
  ]);
  assert.is(unread.notes.length, 1);
  assert.match(unread.notes[0], /soon\.csv:3: column time: the timestamp is not a number or a date: 'soon', so .* without times\.$/);
  const named = { timestampColumn: 'time' };
  await refuse(text, { message: /timestamp is not a number or a date: 'soon'/, line: 3, column: 'time', value: 'soon' }, named);
  await refuse('user,item,rating,time\n1,2,3,\n', { message: /the timestamp is missing/, line: 2 }, named);
  assert.equal(await read('kept.csv', text, { ...named, skipBadRows: true }), [[1, 2, 3, 4]]);
});

test('names with quotes, patterns and spaces in them are read as they are', async () => {
  for (const name of ["it's.csv", 'a [1]*.csv', 'what?.csv']) assert.equal(await read(name, '1,2,3\n'), [[1, 2, 3]], name);
});

test('a pattern and a list join files; text in one file makes the column text in all', async () => {
  await put('parts/part-2.csv', '3,4,2\n');
  await put('parts/part-1.csv', '1,2,3\n');
  assert.equal(rows(await readRatings(join(folder, 'parts', 'part-*.csv'))), [
    [1, 2, 3],
    [3, 4, 2],
  ]);
  const other = await put('parts/other.tsv', 'x\t9\t1\n');
  const joined = await readRatings([join(folder, 'parts', 'part-1.csv'), other]);
  assert.equal(rows(joined), [
    ['1', 2, 3],
    ['x', 9, 1],
  ]);
  assert.is(joined.name, 'part-1.csv and 1 more');
  await fails(join(folder, 'parts', 'none-*.csv'), {}, { message: /no such file/ });
});

test('a gzip bomb, an endless line and an endless device end in a sentence, in little memory', async () => {
  await refuse(gzipSync(new Uint8Array(50_000_000)), { message: /refused\.txt: This is a binary file/ });
  await refuse(gzipSync(`1,2,3\n${'a'.repeat(50_000_000)}`), { message: /:2: The line is longer than 2 MB/ });
  if (process.platform !== 'win32') await fails('/dev/zero', {}, { message: /^\/dev\/zero: This is a binary file/ });
});

test('- reads standard input', async () => {
  const file = await readRatings('-', { stdin: Readable.from(['user,item,rating\n1,2', ',3\n']) });
  assert.equal([rows(file), file.name], [[[1, 2, 3]], 'standard input']);
  await fails('-', { stdin: Readable.from(['1,2,x\n']) }, { message: /^standard input:1: / });
  await fails('-', { stdin: Readable.from([]) }, { message: /standard input: The file is empty/ });
});

test('the layouts of MovieLens are known by their file names and bring titles', async () => {
  await put('ml-100k/u.data', '196\t242\t3\t881250949\n');
  await put('ml-100k/u.item', Buffer.from('1|Toy Story (1995)|x\n242|Misérables, Les (1995)|y\n', 'latin1'));
  const small = await readRatings(join(folder, 'ml-100k'));
  assert.equal([small.name, small.titles!.get(242), small.titles!.size], ['ml-100k', 'Misérables, Les (1995)', 2]);
  assert.is((await readRatings(join(folder, 'ml-100k', 'u.data'))).titles!.get(1), 'Toy Story (1995)');

  await put('ml-x/ratings.csv', 'userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n');
  await put('ml-x/movies.csv', 'movieId,title,genres\r\n31,"Amélie, ""the"" film",Drama\r\n');
  assert.is((await readRatings(join(folder, 'ml-x'))).titles!.get(31), 'Amélie, "the" film');

  await put('ml-1m/ratings.dat', '1::1193::5::978300760\n');
  await put('ml-1m/movies.dat', '1193::One Flew: Over::Drama\n');
  const million = await readRatings(`${join(folder, 'ml-1m')}/`);
  assert.equal([rows(million), million.titles!.get(1193), million.name], [[[1, 1193, 5, 978300760]], 'One Flew: Over', 'ml-1m']);
  assert.is((await readRatings(await put('alone/u.data', '1\t2\t3\n'))).titles, undefined);
});

test('a column is text in both parts of a split if it is in one', async () => {
  const train = await put('isbn.csv', 'user,item,rating\n1,345417623,4\n');
  const valid = await put('isbn-valid.csv', 'user,item,rating\n1,345417623,4\n2,055357342X,3\n');
  const split = await readSplit(train, valid);
  assert.equal([split.train.items[0], Array.from(split.valid.items), split.train.users[0]], ['345417623', ['345417623', '055357342X'], 1]);
  assert.equal(Array.from(CollabData.fromSplit(split.train, split.valid, { batchSize: 1 }).valid.items), [1, 0]);
});

test('readSplit reads two files for fromSplit', async () => {
  const split = await readSplit(await put('u1.base', '1\t2\t3\t4\n2\t3\t4\t5\n'), await put('u1.test', '1\t9\t1\t7\n'));
  assert.equal(
    [rows({ columns: split.train }), rows({ columns: split.valid }), split.name],
    [
      [
        [1, 2, 3, 4],
        [2, 3, 4, 5],
      ],
      [[1, 9, 1, 7]],
      'u1.base / u1.test',
    ],
  );
  const data = CollabData.fromSplit(split.train, split.valid, { batchSize: 2 });
  assert.equal([...data.valid.items], [0]);
});

const real = process.env['MOVIELENS_DIR'];
if (real === undefined) {
  console.log('skipped: reading the real MovieLens sets; set MOVIELENS_DIR to the folder that holds ml-100k and ml-latest-small');
} else {
  test('the real MovieLens-100K and ml-latest-small read whole', async () => {
    const small = await readRatings(join(real, 'ml-100k'), { ratingRange: [1, 5] });
    assert.equal([small.columns.ratings.length, small.titles!.size, small.titles!.get(50)], [100_000, 1682, 'Star Wars (1977)']);
    const data = CollabData.fromArrays(small.columns, { validPct: 0, duplicates: 'error' });
    assert.equal([data.nUsers, data.nItems], [944, 1683]);

    const split = await readSplit(join(real, 'ml-100k', 'u1.base'), join(real, 'ml-100k', 'u1.test'));
    const u1 = CollabData.fromSplit(split.train, split.valid);
    assert.equal([u1.nTrain, u1.nValid, u1.nUsers, u1.nItems], [80_000, 20_000, 944, 1651]);

    const latest = await readRatings(join(real, 'ml-latest-small'), { ratingRange: [0.5, 5] });
    assert.equal([latest.columns.ratings.length, latest.titles!.get(1)], [100_836, 'Toy Story (1995)']);
  });
}

test.run();
