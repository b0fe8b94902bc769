import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { DataError } from '../../src/base/errors.js';
import type { ReadOptions } from '../../src/read/options.js';
import { readGroups } from '../../src/read/ratings-file.js';
import type { RatingRows } from '../../src/read/rating-rows.js';
import { readText } from '../../src/read/read-text.js';
import { parse, pieces, rowsOf } from '../helpers/read-text.js';

async function refuses(content: string | Uint8Array, message: RegExp, options: ReadOptions = {}): Promise<void> {
  await parse(content, options).then(
    ({ columns }) => assert.unreachable(`read: ${JSON.stringify(columns)}`),
    (error: unknown) => {
      assert.instance(error, DataError, String(error));
      assert.match((error as Error).message, message);
    },
  );
}

test('lines that begin with # or % are comments, which is said; ids that begin so are ids', async () => {
  const two = [
    [1, 2, 4, 978],
    [2, 3, 5, 979],
  ];
  assert.equal(await rowsOf('%% a b c\n%% 1 2 3\n1 2 4 978\n2 3 5 979\n'), two);
  assert.equal(await rowsOf('% bip weighted posweighted\n% 3 2 2\n1 2 4 978\n%\n2 3 5 979\n'), two);
  assert.equal(await rowsOf('user,item,rating,time\n#1,2,5,7\n1,2,4,978\n# a, b\n2,3,5,979\n#end\n'), two);
  assert.equal((await parse('# one\n1,2,3\n')).notes, ['text: a line that begins with # or % was passed over as a comment.']);
  const { notes } = await parse('# one\n1,2,3\n#two\n');
  assert.equal(notes, ['text: 2 lines that begin with # or % were passed over as comments.']);
  assert.equal(await rowsOf('#1,a,3\n#2,b,4\n'), [
    ['#1', 'a', 3],
    ['#2', 'b', 4],
  ]);
  assert.equal(await rowsOf('x,1,3\n#2,1,4\n'), [
    ['x', 1, 3],
    ['#2', 1, 4],
  ]);
  await refuses('# a\n\n% b\n', /comments \(# or %\) and blank lines only/);
});

test('a comment before the first row may hold the names of the columns', async () => {
  assert.equal(await rowsOf('# user item rating\n1 2 4\n'), [[1, 2, 4]]);
  assert.equal(await rowsOf('#rating,item,user\n4,20,1\n'), [[1, 20, 4]]);
  assert.equal(await rowsOf('# ratings of 2020 by me\n1,2,4\n'), [[1, 2, 4]]);
});

test('a list of coordinates in the format of Matrix Market is read without its line of sizes', async () => {
  assert.equal(await rowsOf('%%MatrixMarket matrix coordinate real general\n% made by hand\n2 3 2\n1 2 4\n2 3 5\n'), [
    [1, 2, 4],
    [2, 3, 5],
  ]);
  await refuses('%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n', /no list of coordinates/);
});

test('JSON lines are read by the names of their values', async () => {
  assert.equal(
    await rowsOf(
      '{"reviewerID":"A1","asin":"0001","overall":5.0,"unixReviewTime":1382659200}\n' +
        '{"asin":"0002","reviewerID":"A2","overall":4,"unixReviewTime":1382659201,"vote":"3"}\n',
    ),
    [
      ['A1', '0001', 5, 1382659200],
      ['A2', '0002', 4, 1382659201],
    ],
  );
  assert.equal(await rowsOf('{"user_id":"u1","business_id":7,"stars":4.5,"date":"1970-01-02 00:00:01","text":"a, \\"b\\"\\n"}'), [
    ['u1', 7, 4.5, 86401],
  ]);
  await refuses('{"user":1,"item":2,"rating":3}\n{"user":1,"rating":3}\n', /^text:2: column item: the item is missing\.$/);
  await refuses('{"user":1,"item":2,"rating":3}\n{"user":1,\n', /^text:2: this is no JSON object: '\{"user":1,'\.$/);
  await refuses('{"user":76561198000000001,"item":1,"rating":3}\n', /above 2\^53 is no id unless it is written as text/);
  await refuses("{'user': 1}\n", /The first line is no JSON object/);
  await refuses('[{"user":1}]', /JSON array; write one object a line/);
  await refuses('{"user":1,"item":2}\n', /There is no rating column: its columns are user, item\. Say which it is with ratingColumn\./);
});

test('the blocks of the Netflix prize are read', async () => {
  assert.equal(await rowsOf('1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n\n2:\n1,4,1970-01-02\n'), [
    [1488844, 1, 3, 1125964800],
    [822109, 1, 5, 1115942400],
    [1, 2, 4, 86400],
  ]);
  await refuses('1:\n1488844,2005-09-06\n', /^text:2: this is neither user,rating,date nor the number of an item/);
});

test("one person's exports bring their titles; a rating of 0 is none where it is called My Rating", async () => {
  const imdb = await parse('Const,Your Rating,Date Rated,Title,IMDb Rating\ntt01,10,2020-01-01,"Postman, The",9.3\n', { onePerson: true });
  assert.equal([imdb.columns.items[0], imdb.columns.ratings[0], [...imdb.titles!]], ['tt01', 10, [['tt01', 'Postman, The']]]);
  const shelf = 'Book Id,Title,ISBN,My Rating,Average Rating\n1,A,"=""01""",5,3.2\n2,B,"",0,3.3\n';
  const books = await parse(shelf, { onePerson: true });
  assert.equal([[...(books.columns.items as number[])], [...books.titles!]], [[1], [[1, 'A']]]);
  assert.equal(books.notes, ['A row with the rating 0, which stands for none in such a file, was left out.']);
  assert.equal(await rowsOf('user,item,rating,title\n1,2,0,x\n'), [[1, 2, 0]]);
});

test('an index of the rows is not taken for users', async () => {
  const rows = [
    [5, 7, 3],
    [5, 8, 4],
    [6, 7, 2],
  ];
  assert.equal(await rowsOf('0,5,7,3.0\n1,5,8,4.0\n2,6,7,2.0\n'), rows);
  assert.equal(await rowsOf(',userId,movieId,rating\n0,5,7,3.0\n1,5,8,4.0\n2,6,7,2.0\n'), rows);
  assert.match((await parse('0,5,7,3.0\n1,5,8,4.0\n2,6,7,2.0\n')).notes[0], /first column counts the rows and was taken for an index/);
  // Users who rate once each, with times.
  assert.equal((await rowsOf('1,5,3,978300760\n2,5,4,978300761\n3,6,2,978300762\n'))[2], [3, 6, 2, 978300762]);
});

test('rows with one field more than the header names, which counts them, are read as R means them', async () => {
  const rows = [
    [10, 20, 3],
    [11, 21, 4],
  ];
  assert.equal(await rowsOf('"user","item","rating"\n"1",10,20,3\n"2",11,21,4\n'), rows);
  await refuses('user,item,rating\n1,10,20,3\n1,11,21,4\n', /more fields than columns/);
});

test('one column cannot be two things', async () => {
  assert.equal(await rowsOf('3,1,2,7\n4,2,3,8\n', { userColumn: 3, itemColumn: 1, ratingColumn: 0 }), [
    [7, 1, 3],
    [8, 2, 4],
  ]);
  await refuses('1,2,3\n2,3,4\n', /^text: The column '0' cannot be two of users, items, ratings and times\.$/, {
    userColumn: 0,
    itemColumn: 0,
    ratingColumn: 2,
  });
  await refuses('user,item,rating\n1,2,3\n', /The column 'rating' cannot be two/, { itemColumn: 'rating' });
  await refuses('user,item,rating\n1,2,3\n', /The column 'item' cannot be two/, { timestampColumn: 'item' });
});

test('a matrix of users by items is refused, not misread', async () => {
  await refuses('user,i1,i2,i3\n1,3,0,1\n2,0,0,1\n', /There is no item column: its columns are user, i1, i2, i3\./);
  await refuses('74,-7.82,8.79,-9.66,-8.16,-7.52\n100,4.08,-0.29,6.36,4.37,-2.38\n', /It has 6 columns and no header.*matrix/);
  await refuses('74,-7.82,8.79,-9.66\n100,4.08,-0.29,6.36\n49,99,9.03,99\n', /its ids would be numbers with decimals.*matrix/);
  await refuses('5,3,0,1,4\n4,0,2,1,5\n', /It has 5 columns and no header.*userColumn, itemColumn and ratingColumn/);
  await refuses('user,Matrix,Alien,Up\nann,5,3,4\nbob,1,,2\n', /There is no item column/);
  await refuses(',m1,m2\nann,5,3\nbob,1,2\n', /unclear which of them hold users, items and ratings/);
  await refuses('userId,1,2\n1,5,3\n2,1,2\n', /There is no item column/);
  await refuses('who,Matrix,Alien,Up\nann,5,3,4\n', /unclear/);
});

test('names nobody knows are taken by position, which is said', async () => {
  const { notes, columns } = await parse('a,b,c\n1,2,3\n');
  assert.is(columns.items[0], 2);
  assert.match(notes[0], /'a' for the users, 'b' for the items and 'c' for the ratings were taken/);
  assert.equal((await parse('user,item,rating\n1,2,3\n')).notes, []);
});

test('times in the place of ratings are refused', async () => {
  await refuses('1,2,881250949,3\n2,3,881250950,4\n', /third column holds times rather than ratings/);
});

test('separators are found by more than the first line; spaces around them do not count', async () => {
  assert.equal(await rowsOf('1;2;3,5\n2;3;4\n'), [
    [1, 2, 3.5],
    [2, 3, 4],
  ]);
  assert.equal(await rowsOf('1;2;3,5;4,5\n1;3;2,5;1,0\n'), [
    [1, 2, 3.5],
    [1, 3, 2.5],
  ]);
  assert.equal(await rowsOf('user, item, rating\n1, 2, 3.5\n'), [[1, 2, 3.5]]);
  assert.equal(await rowsOf('1   2 \t 3\n 10  20  4\n'), [
    [1, 2, 3],
    [10, 20, 4],
  ]);
  assert.equal(await rowsOf('1\t2\t3\n', { delimiter: '\\t' }), [[1, 2, 3]]);
  await refuses('user;item;rating\n1;2;1,000\n', /the rating is not a finite number: '1,000'/);
});

test('quotes enclose fields under any separator', async () => {
  assert.equal(await rowsOf('user\titem\trating\n"a\tb"\t"x ""y"""\t3\n"Weird" Al\tz\t4\n'), [
    ['a\tb', 'x "y"', 3],
    ['"Weird" Al', 'z', 4],
  ]);
  assert.equal(await rowsOf('"1"::"2"::"3"::"978"\n'), [[1, 2, 3, 978]]);
  assert.equal(await rowsOf('"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n'), [[276725, '034545104X', 0]]);
});

test('files that were glued together may mix line ends and repeat the header', async () => {
  const { columns, notes } = await parse('user,item,rating\r\n1,2,3\r\nuser,item,rating\n4,5,1\r6,7,2');
  assert.equal(Array.from(columns.users), [1, 4, 6]);
  assert.equal(notes, ['text: the header stands 2 times; all are passed over.']);
});

test('ids of zero, of many digits and of other encodings keep their identity', async () => {
  assert.equal(await rowsOf('user,item,rating\n76561198000000001,007,5\n76561198000000002,7,1\n'), [
    ['76561198000000001', '007', 5],
    ['76561198000000002', '7', 1],
  ]);
  const latin = Buffer.from('user,item,rating\njos\xe9,1,3\n', 'latin1');
  assert.equal(await rowsOf(latin, { encoding: 'latin1' }), [['josé', 1, 3]]);
  await refuses(latin, /^text:2: column user: the user is not UTF-8 text .for Latin-1 pass encoding: .latin1..: /);
  assert.equal(await rowsOf(Buffer.from('\ufeffuser,item,rating\njosé,1,3\n', 'utf16le')), [['josé', 1, 3]]);
  await refuses(Buffer.from('1,2,3\n4,5,1\n', 'utf16le'), /if it is UTF-16, pass encoding: .utf-16le./);
});

test('two columns of one name are refused, unless one is chosen by its position', async () => {
  await refuses('user,item,rating,rating\n1,2,3,4\n', /There are two columns 'rating'/);
  await refuses('user,item,rating,rating\n1,2,3,4\n', /There are two columns 'rating'/, { ratingColumn: 'rating' });
  assert.equal(await rowsOf('user,item,rating,rating\n1,2,3,4\n', { ratingColumn: 3 }), [[1, 2, 4]]);
});

test('pages, binary files and endless lines are refused', async () => {
  await refuses('<!DOCTYPE html><html></html>', /a page of HTML or XML/);
  await refuses(new Uint8Array([1, 2, 0, 3]), /binary file/);
  await refuses(`1,2,3\n${'a'.repeat((1 << 21) + 9)}`, /^text:2: The line is longer than 2 MB/);
  await refuses('', /The file is empty/);
});

test('the first malformed row is named, a negative id included, unless its column is text after all', async () => {
  await refuses('1,-2,3\n2,5,x\n', /^text:1: column 1 \(from 0\): the item is negative: '-2'\.$/);
  await refuses('1,2,x\n2,-5,3\n', /^text:1: .*not a finite number/);
  assert.equal((await rowsOf('1,-2,3\n2,x,3\n'))[0], [1, '-2', 3]);
  const { columns, skipped, skippedExamples } = await parse('1,-2,3\n2,5,x\n3,6,1\n-1,6,1\n', { skipBadRows: true });
  assert.equal([Array.from(columns.users), skipped], [[3], 3]);
  assert.equal(
    skippedExamples.map((each) => /^text:(\d)/.exec(each)![1]),
    ['1', '2', '4'],
  );
});

test('a malformed row does not make a column of numbers text', async () => {
  assert.equal(await rowsOf('1,2,3\nx,y,z\n4,5,1\n', { skipBadRows: true }), [
    [1, 2, 3],
    [4, 5, 1],
  ]);
});

test('where the pieces of a text end does not matter', async () => {
  const line = fc.constantFrom('1,2,3,4', '"a ""b""",7,2.5,5', '"x\ny",8,1,6', '# note', '', '9,9,bad,7', 'é漢,1,4,8', '1,2', '"q,1,2,3');
  const ends = fc.constantFrom('\n', '\r\n', '\r');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(line, ends), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 30 }),
      async (lines, size) => {
        const text = `user,item,rating,time\n1,1,1,1\n${lines.map((each) => each.join('')).join('')}`;
        const whole = await parse(text, { skipBadRows: true });
        const cut = await parse(text, { skipBadRows: true }, size);
        assert.equal(cut, whole);
      },
    ),
    { numRuns: 300 },
  );
});

test('a first line sep=; names the separator, as spreadsheets write it', async () => {
  assert.equal(await rowsOf('sep=;\r\nuser;item;rating\r\n1;2;3,5\r\n'), [[1, 2, 3.5]]);
  assert.equal(await rowsOf('"sep=,"\n1,2,3\n'), [[1, 2, 3]]);
});

test('values of JSON lines are values: an object is none, but for the wrapping of MongoDB', async () => {
  const oid = '{"user":{"$oid":"5a"},"item":1,"rating":5,"timestamp":{"$date":{"$numberLong":"978"}},"size":12345678901234567890}\n';
  assert.equal(await rowsOf(oid), [['5a', 1, 5, 978]]);
  await refuses('{"user":{"id":1},"item":1,"rating":5}\n', /column user: this is a list or an object, not one value\.$/);
  await refuses('{"user":1,"item":["x"],"rating":5}\n', /column item: this is a list/);
  await refuses(`{"user":1,"item":${'['.repeat(1e5)}${']'.repeat(1e5)},"rating":5}\n`, /this is a list|no JSON object/);
});

test("one's own rating is taken where that of everybody stands beside it", async () => {
  assert.equal(await rowsOf('user,item,score,my_score\nbob,1,8.2,9\n'), [['bob', 1, 9]]);
});

test('films of one name and two years are two, if a column has the years', async () => {
  const one = { onePerson: true };
  const own = await rowsOf('Date,Name,Year,Letterboxd URI,Rating\n2020-01-01,Suspiria,1977,a,5\n2020-01-01,Suspiria,2018,b,2\n', one);
  assert.equal(
    own.map(([, item]) => item),
    ['Suspiria (1977)', 'Suspiria (2018)'],
  );
  const { titles } = await parse('Const,Your Rating,Title,Year\ntt1,9,Heat,1995\ntt2,7,Jaws (1975),1975\ntt3,7,Alien,\n', one);
  assert.equal([...titles!.values()], ['Heat (1995)', 'Jaws (1975)', 'Alien']);
});

test('positions that look wrong are said or refused', async () => {
  const { notes } = await parse('9254,7,242,3\n17,8,100,4\n');
  assert.match(notes.join(), /though the fourth has no value above 10/);
  assert.equal((await parse('1,2,3,978\n1,3,3,5\n')).notes, []);
  await refuses('1,2020-01-01,10,5\n2,2020-01-02,11,4\n', /its ids would be dates/);
  assert.match((await parse('user,name,rating\n1,Heat,4\n')).notes.join(), /no column of items has a known name; 'name' was taken/);
});

test('the pieces of a table that was cut are read by the header of the first', async () => {
  const join = (...texts: string[]) => {
    const sources = texts.map((text, k) => (rows: RatingRows) => readText(pieces(new TextEncoder().encode(text)), `part ${k}`, rows, {}));
    return sources;
  };
  const [head, body, valid] = ['item,user,rating\n10,1,5\n', '12,2,4\n', '13,3,4\n'];
  const groups = [
    { name: 'train', sources: join(head, body) },
    { name: 'valid', sources: join(valid) },
  ];
  const read = await readGroups(groups, {});
  assert.equal(
    read.map(({ columns }) => Array.from(columns.items as ArrayLike<number>)),
    [[10, 12], [13]],
  );
  assert.equal(read[1].notes, ['part 0: it has no header, and was read by that of part 0.']);
  const late = readGroups([{ name: 'all', sources: join(body, head) }], {});
  const refusal = await late.then(String, String);
  assert.match(refusal, /Its header names other columns than were taken/);
  const same = await readGroups([{ name: 'all', sources: join(body, 'user,item,rating\n3,4,5\n') }], {});
  assert.equal(Array.from(same[0].columns.users as ArrayLike<number>), [12, 3]);
});

test('the bytes that are read stay as they were', async () => {
  const bytes = new TextEncoder().encode('user,item,rating\n"a""b",1,3\n');
  const before = Uint8Array.from(bytes);
  const chunks = (async function* () {
    yield bytes;
  })();
  const [file] = await readGroups([{ name: 'x', sources: [(rows) => readText(chunks, 'x', rows, {})] }], {});
  assert.equal([file.columns.users[0], bytes], ['a"b', before]);
});

/** Rows of several texts that are read as one. */
async function rowsOfAll(texts: readonly string[], options: ReadOptions = {}): Promise<unknown[][]> {
  const sources = texts.map(
    (text, k) => (rows: RatingRows) => readText(pieces(new TextEncoder().encode(text)), `text ${k}`, rows, options),
  );
  const [{ columns }] = await readGroups([{ name: 'x', sources }], options);
  return Array.from(columns.ratings, (rating, k) => [columns.users[k], columns.items[k], rating]);
}

test('a negative id is found whatever the order of the columns in later files, and however many came before it in text', async () => {
  const refused = async (texts: readonly string[], message: RegExp) =>
    rowsOfAll(texts).then(
      (rows) => assert.unreachable(JSON.stringify(rows)),
      (error: Error) => assert.match(error.message, message),
    );
  // The items are text, the users are not; the second file has its columns the other way round.
  await refused(
    ['user,item,rating\n-1,a,3\n2,b,4\n', 'item,user,rating\nc,3,5\n'],
    /^text 0:2: column user: the user is negative: '-1'\.$/,
  );
  // Six negative users are text after all; the item is not.
  const many = Array.from({ length: 6 }, (_, k) => `-${k + 1},7,3\n`).join('');
  await refused([`user,item,rating\n${many}x,-8,3\n`], /^text 0:8: column item: the item is negative: '-8'\.$/);
  await refused(['user,item,rating\n-1,-2,3\nx,5,3\n'], /^text 0:2: column item: the item is negative: '-2'\.$/);
  assert.equal(await rowsOfAll(['user,item,rating\n-1,-2,3\n4,5,1\n'], { skipBadRows: true }), [[4, 5, 1]]);
});

test.run();
