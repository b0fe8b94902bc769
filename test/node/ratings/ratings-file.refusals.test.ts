import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readRatings, readSplit } from '../../../src/node/ratings/ratings-file.js';
import { fails, folder, put, read, refuse, rows } from '../../helpers/ratings-files.js';

test('options that do not exist are refused, with the one that was meant', async () => {
  const path = await put('options.csv', '1,2,3\n');
  const refusals: [run: () => Promise<unknown>, message: RegExp][] = [
    [() => readRatings(path, { textids: true } as object), /^readRatings has no option 'textids'; did you mean textIds\?$/],
    [() => readSplit(path, path, { skipBadRow: true } as object), /^readSplit has no option 'skipBadRow'; did you mean skipBadRows\?$/],
    [() => readRatings(path, { delimiter: '' }), /^delimiter must not be empty\.$/],
    [() => readRatings(path, { delimiter: 5 as never }), /^delimiter must be a text, not 5\.$/],
    [() => readRatings(path, { textIds: 'no' as never }), /^textIds must be true or false, not 'no'\.$/],
    [() => readRatings(path, { userColumn: {} as never }), /^userColumn must be the name of a column or its position, not an object\.$/],
    [() => readRatings(5 as never), /^A source of ratings is the name of a file or folder, not 5\.$/],
    [() => readRatings(null as never), /^A source of ratings is the name of a file or folder, not null\.$/],
    [() => readRatings(undefined as never), /^A source of ratings is the name of a file or folder, not undefined\.$/],
    [() => readRatings(''), /^A source of ratings is the name of a file or folder, not ''\.$/],
    [() => readRatings([path, 7 as never]), /^A source of ratings is the name of a file or folder, not 7\.$/],
    [() => readRatings(path, { ratingRange: [5, 1] }), /^ratingRange must be two finite numbers, lo < hi, not \[5, 1\]\.$/],
  ];
  for (const [run, message] of refusals) {
    await run().then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, message),
    );
  }
});

test('a malformed row is reported with file, line, column and value', async () => {
  const head = 'user,item,rating,time\n1,2,3,4\n';
  await refuse(`${head}5,6,bad,7\n`, {
    message: /refused\.txt:3: column rating: the rating is not a finite number: 'bad'/,
    line: 3,
    column: 'rating',
    value: 'bad',
  });
  for (const rating of ['nan', 'inf', '-Infinity', '1e400', '1e39', '3 5', '4_0']) {
    await refuse(`${head}5,6,${rating},7\n`, { message: /rating is not a finite number/, line: 3, column: 'rating', value: rating });
  }
  await refuse(`${head}5,6,,7\n`, { message: /the rating is missing/, line: 3, column: 'rating', value: '' });
  await refuse(`${head},6,3,7\n`, { message: /the user is missing/, line: 3, column: 'user' });
  await refuse(`${head}5,,3,7\n`, { message: /the item is missing/, line: 3, column: 'item' });
  await refuse(`${head}-5,6,3,7\n`, { message: /the user is negative: '-5'/, line: 3, column: 'user', value: '-5' });
  await refuse(`${head}5,6,3\n`, { message: /:3: a field is missing: '5,6,3'/, line: 3, value: '5,6,3' });
  await refuse(`${head}5,6,3,7,8\n`, { message: /:3: there are more fields than columns: '5,6,3,7,8'/, line: 3 });
  await refuse(`${head}x\n1,2,3,4\n`, { message: /:3: a field is missing: 'x'/, line: 3 });
  await refuse(Buffer.concat([Buffer.from(`${head}5,`), Buffer.from([0xe9]), Buffer.from(',3,7\n')]), {
    message: /the item is not UTF-8 text .for Latin-1 pass encoding/,
    line: 3,
  });
  await refuse(`${head}"5,6,3,7\n1,1,1,1\n`, { message: /quoted field does not end/, line: 3 });
});

test('the line counts blank lines, CRLF, fields over several lines, and other rejected lines', async () => {
  const bad = { message: /not a finite number: 'bad'/, value: 'bad' };
  await refuse('1\t2\t3\n\n\n4\t5\tbad\n', { ...bad, line: 4 });
  await refuse('\n\nu,i,r\n1,2,3\n\n4,5,bad\n', { ...bad, line: 6 });
  await refuse('\r\nu,i,r\r\n1,2,3\r\n\r\n4,5,bad\r\n', { ...bad, line: 5 });
  await refuse('\uFEFF\n\n1,2,3\n4,5,bad\n', { ...bad, line: 4 });
  await refuse('u,i,r\r1,2,3\r\r4,5,bad', { ...bad, line: 4 });
  await refuse('u,i,r\n"a\nb\n""c""",2,3\n"x,y",5,bad\n', { ...bad, line: 5 });
  await refuse(gzipSync('u,i,r\n1,2,3\n4,5,bad\n'), { ...bad, line: 3 });
  await refuse('1,2,bad\n4,5\n', { ...bad, line: 1 });
  await refuse('1,2,3\n4,5\n4,5,bad\n', { message: /a field is missing/, line: 2 });
});

test('a bad row far down a large file is found on its line', async () => {
  const lines = Array.from({ length: 300_000 }, (_, k) => `${k},${k % 77},${k % 6}`);
  lines[270_000] = '1,2,oops';
  await refuse(`user,item,rating\n${lines.join('\n')}`, { message: /'oops'/, line: 270_002 });
});

test('ratingRange refuses what lies outside, and keeps the ends', async () => {
  assert.equal(await read('range.csv', '1,2,0.5\n1,3,5\n', { ratingRange: [0.5, 5] }), [
    [1, 2, 0.5],
    [1, 3, 5],
  ]);
  await refuse('1,2,3\n1,2,6\n', { message: /rating is not in 0\.5 to 5: '6'/, line: 2, value: '6' }, { ratingRange: [0.5, 5] });
});

test('skipBadRows leaves malformed rows out, counts them and tells of the first five in order', async () => {
  const path = await put('skip.csv', 'user,item,rating\n1,2,3\n4,5,bad\n6,7\n,8,1\n9,10,2\n-1,2,3\n1,2,3,4\n1,,1\n');
  const file = await readRatings(path, { skipBadRows: true });
  assert.equal(rows(file), [
    [1, 2, 3],
    [9, 10, 2],
  ]);
  assert.is(file.skipped, 6);
  assert.equal(
    file.skippedExamples.map((each) => /:(\d+): /.exec(each)![1]),
    ['3', '4', '5', '7', '8'],
  );
  const text = await readRatings(await put('skip-text.csv', 'x,2,3\ny,5,bad\nz,1,1\n'), { skipBadRows: true });
  assert.equal(rows(text), [
    ['x', 2, 3],
    ['z', 1, 1],
  ]);
  await fails(
    await put('all-bad.csv', '1,2,x\n3,4,y\n'),
    { skipBadRows: true },
    { message: /No row is left: all 2 are malformed, the first: .*'x'/ },
  );
  assert.is((await readRatings(await put('good.csv', '1,2,3\n'))).skipped, 0);
});

test('files that are no table of ratings are refused in a sentence', async () => {
  await refuse('', { message: /refused\.txt: The file is empty/ });
  await refuse('\n\n', { message: /blank lines only/ });
  await refuse('user,item,rating\n', { message: /There are no ratings in it/ });
  await refuse('just one line of words\n'.replaceAll(' ', '_'), { message: /not have three fields/, line: 1 });
  await refuse(Buffer.from([1, 2, 0, 3]), { message: /binary file/ });
  await refuse(gzipSync(Buffer.from([1, 2, 0, 3])), { message: /binary file/ });
  const packed = gzipSync('1,2,3\n'.repeat(1000));
  await refuse(packed.subarray(0, -4), { message: /refused\.txt: The packed data are damaged or cut short/ });
  packed[packed.length - 6] ^= 1;
  await refuse(packed, { message: /damaged/ });
  await refuse('user,item,stuff\n1,2,3\n', {
    message: /no rating column: its columns are user, item, stuff\. Say which it is with ratingColumn/,
  });
  await refuse('a,b,c\n1,2,3\n', { message: /no user column 'who': its columns are a, b, c/ }, { userColumn: 'who' });
  await refuse('1,2,3\n', { message: /no user column 'who': it has 3 columns and no header/ }, { userColumn: 'who' });
  await refuse('1,2,3\n', { message: /no rating column at position 3/ }, { ratingColumn: 3 });
  await fails(join(folder, 'nowhere.csv'), {}, { message: /nowhere\.csv: There is no such file or folder/ });
  await mkdir(join(folder, 'empty'), { recursive: true });
  await fails(join(folder, 'empty'), {}, { message: /folder without u\.data, ratings\.csv, ratings\.dat/ });
  await readRatings([]).then(
    () => assert.unreachable(),
    (error) => assert.instance(error, RangeError),
  );
});

test.run();
