import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile, writeFile } from 'node:fs/promises';
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync, zipSync } from 'fflate';
import { DuckDBInstance } from '@duckdb/node-api';
import { readRatings } from '../../src/node/ratings/ratings-file.js';
import { parseRatings } from '../../src/read/parse-ratings.js';
import { blobOf, streamed } from '../helpers/packed.js';
import { fails, folder, rows } from '../helpers/ratings-files.js';

const path = join(folder, "it's.parquet");
const instance = await DuckDBInstance.create(':memory:');
const db = await instance.connect();
const write = (select: string, options = 'COMPRESSION snappy'): Promise<unknown> =>
  db.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, ${options})`);

test('numbers, text and times are read by their types, and errors name the row', async () => {
  await write(`SELECT 4::TINYINT AS rating, 7::BIGINT AS "userId", 'a"b' AS "movie id", TIMESTAMP '1970-01-01 00:01:00' AS "timestamp"`);
  assert.equal(rows(await readRatings(path)), [[7, 'a"b', 4, 60]]);
  await write('SELECT range AS "user", range AS item, CASE WHEN range = 5 THEN NULL ELSE 3.5 END AS rating FROM range(10)');
  await fails(path, {}, { message: /:6: column rating: the rating is missing/, line: 6, column: 'rating' });
  const file = await readRatings(path, { skipBadRows: true });
  assert.equal([file.columns.ratings.length, file.skipped], [9, 1]);
});

test('ids keep their identity: whole floats are numbers, large numbers and zeros in front are not rounded off', async () => {
  await write(`SELECT 5::DOUBLE AS "user", '007' AS item, 3.5::DECIMAL(3, 1) AS rating`);
  assert.equal(rows(await readRatings(path)), [[5, '007', 3.5]]);
  await write(`SELECT 76561198000000001::BIGINT AS "user", 5::UTINYINT AS item, 3 AS rating`);
  assert.equal(rows(await readRatings(path)), [['76561198000000001', 5, 3]]);
  await write(`SELECT 1.5::DOUBLE AS "user", 5 AS item, 3 AS rating`);
  assert.equal(rows(await readRatings(path)), [['1.5', 5, 3]]);
});

test('a time with a zone is the same instant on any machine', async () => {
  await write(`SELECT 1 AS "user", 2 AS item, 3 AS rating, TIMESTAMPTZ '2020-12-31 23:00:00-05' AS ts`);
  assert.equal(rows(await readRatings(path)), [[1, 2, 3, Date.UTC(2021, 0, 1, 4) / 1000]]);
  await write(`SELECT 1 AS "user", 2 AS item, 3 AS rating, '2020-12-31T23:00:00-05:00' AS date`);
  assert.equal(rows(await readRatings(path)), [[1, 2, 3, Date.UTC(2021, 0, 1, 4) / 1000]]);
  await write(`SELECT 1 AS "user", 2 AS item, 3 AS rating, DATE '1970-01-02' AS date`);
  assert.equal(rows(await readRatings(path)), [[1, 2, 3, 86400]]);
});

test("one person's titles take the year that stands beside them", async () => {
  await write(`SELECT 'x' AS note, 'Suspiria' AS title, 2018 AS year, 7 AS item, 4.5 AS rating`);
  const { titles, columns } = await readRatings(path, { onePerson: true });
  assert.equal([[...titles!], columns.items[0]], [[[7, 'Suspiria (2018)']], 7]);
});

function leadsTo(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined; // closed meanwhile
  }
}

test('the file is closed when it has been read', async () => {
  if (process.platform !== 'linux') return;
  await write(`SELECT 1 AS "user", 2 AS item, 3 AS rating`);
  await readRatings(path);
  const isOpen = () => readdirSync('/proc/self/fd').some((fd) => leadsTo(`/proc/self/fd/${fd}`) === realpathSync(path));
  for (let turn = 0; turn < 100 && isOpen(); turn++) await setTimeout(10);
  assert.not(isOpen());
});

const threeGroups = `SELECT range AS "user", 'i' || range % 7 AS item, range % 5 AS rating FROM range(5000)`;

test('every codec and both versions of pages are read, group by group', async () => {
  for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw']) {
    for (const version of ['V1', 'V2']) {
      await write(threeGroups, `COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE 2048`);
      const read = rows(await readRatings(path));
      assert.equal([read.length, read[4999]], [5000, [4999, 'i1', 4]], `${codec} ${version}`);
    }
  }
  await write(threeGroups.replace('range % 5', 'nullif(range, 4500)'), 'ROW_GROUP_SIZE 2048');
  await fails(path, {}, { message: /:4501: column rating: the rating is missing/, line: 4501 });
});

test('a Blob, a stream, an archive and a gzipped file hold the same Parquet', async () => {
  await write(threeGroups, 'ROW_GROUP_SIZE 2048');
  const bytes = new Uint8Array(await readFile(path));
  const expected = rows(await readRatings(path));
  for (const packed of [bytes, zipSync({ 'x.parquet': bytes }), gzipSync(bytes)]) {
    for (const source of [blobOf(packed), packed, streamed(packed, [999])]) assert.equal(rows(await parseRatings(source)), expected);
  }
  const told: number[] = [];
  await parseRatings(blobOf(bytes), { onProgress: (read, total) => void told.push(read / total!) });
  assert.equal([told.length, told[2]], [3, 1]);
  const stop = new AbortController();
  const aborted = parseRatings(blobOf(bytes), { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
  assert.is(await aborted.then(String, (error: Error) => error.message), 'enough');
});

test('a column that cannot be what it was taken for is refused', async () => {
  const refused = async (select: string, message: RegExp, options = {}) => {
    await write(select);
    await fails(path, options, { message });
  };
  await refused(`SELECT [1] AS "user", 2 AS item, 3 AS rating`, /The column 'user' holds lists or objects, not one value each\.$/);
  await refused(`SELECT 1 AS "user", {a: 2} AS item, 3 AS rating`, /The column 'item' holds lists or objects/);
  await refused(`SELECT 1 AS "user", 2 AS item, DATE '2020-01-01' AS rating`, /'rating' holds times, and cannot be the ratings\.$/);
  await refused(`SELECT 1 AS "user", 2 AS item, 3 AS rating, TIME '12:00' AS "time"`, /'time' holds times without their dates\.$/);
  await refused(`SELECT 1 AS a, 2 AS item, 3 AS rating`, /There is no user column: its columns are a, item, rating/);
  await refused(`SELECT -1 AS "user", 2 AS item, 3 AS rating`, /:1: column user: the user is negative: '-1'\.$/);
  await refused(`SELECT 1 AS "user", 2 AS item, true AS rating`, /the rating is not a finite number: 'true'/);
  await write(`SELECT 7 AS "a.b", '3f333df6-90a4-4fda-8dd3-9485d27cee36'::UUID AS "c d", 3.5::FLOAT AS r`);
  assert.equal(rows(await readRatings(path, { userColumn: 'a.b', itemColumn: 1, ratingColumn: 'r' })), [
    [7, '3f333df6-90a4-4fda-8dd3-9485d27cee36', 3.5],
  ]);
});

test('a file that is cut short or damaged is refused in a sentence, wherever that is', async () => {
  const damaged = join(folder, 'damaged.parquet');
  await writeFile(damaged, 'PAR1 and no more');
  await fails(damaged, {}, { message: /damaged\.parquet: The Parquet file cannot be read: .*\.$/ });
  const whole = new Uint8Array(await readFile(new URL('../../../test/fixtures/snappy.parquet', import.meta.url)));
  const says = (bytes: Uint8Array): Promise<string> => parseRatings(bytes).then(() => 'read', String);
  for (let at = 0; at < whole.length; at += 3) {
    assert.match(await says(whole.slice(0, at)), /^DataError: ratings.*\.$/);
    const flipped = whole.slice();
    flipped[at] ^= 0xff;
    // Most values have no checksum: they may be others.
    assert.match(await says(flipped), /^(DataError: ratings.*\.|read)$/, String(at));
  }
});

test.after(() => {
  db.closeSync();
  instance.closeSync();
});

test.run();
