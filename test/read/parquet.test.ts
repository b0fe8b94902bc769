import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { readRatings } from '../../src/node/ratings/ratings-file.js';
import { fails, folder, rows } from '../helpers/ratings-files.js';

const path = join(folder, "it's.parquet");
const instance = await DuckDBInstance.create(':memory:');
const db = await instance.connect();
const write = (select: string): Promise<unknown> => db.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);

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

test('a damaged file is refused in a sentence', async () => {
  const { writeFile } = await import('node:fs/promises');
  const damaged = join(folder, 'damaged.parquet');
  await writeFile(damaged, 'PAR1 and no more');
  await fails(damaged, {}, { message: /damaged\.parquet: The Parquet file cannot be read: .*\.$/ });
});

test.after(() => {
  db.closeSync();
  instance.closeSync();
});

test.run();
