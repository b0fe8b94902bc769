/** How fast files of ratings are read, beside DuckDB, which is told of a CSV file all that ours must find out. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readRatings } from '../src/node/ratings/ratings-file.js';
import { seconds, spread, summarise } from './measure.js';
import type { Section } from './report.js';

/** @param nRows ratings in each file; they are read `repeats` times each after one to warm up, in turn */
export async function benchReading(nRows: number, repeats: number): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), 'dotbias-bench-'));
  const rows: Section['rows'] = [];
  try {
    for (const [ids, prefix] of [
      ['numbers', ''],
      ['text', 'B00'],
    ] as const) {
      const file = join(folder, `${ids}.csv`);
      await writeCsv(file, nRows, prefix);
      const idType = prefix === '' ? 'DOUBLE' : 'VARCHAR';
      const columns = `{'userId': '${idType}', 'movieId': '${idType}', 'rating': 'DOUBLE', 'timestamp': 'DOUBLE'}`;
      const csv = `read_csv('${file}', header = true, delim = ',', columns = ${columns})`;
      const parquet = file.replace('.csv', '.parquet');
      await runInDuckDB(`COPY (SELECT * FROM ${csv}) TO '${parquet}' (FORMAT parquet)`);
      for (const [format, path, table] of [
        ['CSV', file, csv],
        ['Parquet', parquet, `read_parquet('${parquet}')`],
      ] as const) {
        const ours: number[] = [];
        const theirs: number[] = [];
        for (let k = 0; k <= repeats; k++) {
          ours.push(await seconds(() => readRatings(path)));
          theirs.push(await seconds(() => runInDuckDB(`SELECT * FROM ${table}`)));
        }
        const row = (reader: string, all: readonly number[]): Section['rows'][number] => {
          const timing = summarise(all.slice(1));
          return { reader, format, ids, s: timing.median, spread: spread(timing), 'million rows/s': nRows / 1e6 / timing.median };
        };
        const ratios = ours.slice(1).map((each, k) => theirs[k + 1] / each);
        rows.push({ ...row('dotbias', ours), 'times dotbias': 1 });
        rows.push({ ...row('DuckDB', theirs), 'times dotbias': summarise(ratios).median });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return {
    title: `Reading ${nRows / 1e6} million rows of user,item,rating,timestamp`,
    notes: ['From the file to columns in memory.'],
    rows,
  };
}

async function writeCsv(file: string, nRows: number, prefix: string): Promise<void> {
  const out = createWriteStream(file);
  out.write('userId,movieId,rating,timestamp\n');
  for (let from = 0; from < nRows; from += 10_000) {
    let text = '';
    for (let k = from; k < Math.min(nRows, from + 10_000); k++) {
      text += `${prefix}${(k * 7919) % 162_541},${prefix}${(k * 104_729) % 59_047},${1 + (k % 9) / 2},${978_300_760 + k}\n`;
    }
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}

/** The columns that a query gives. */
async function runInDuckDB(query: string): Promise<ArrayLike<unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const db = await instance.connect();
  const result = await db.stream(query);
  const read: unknown[][] = Array.from({ length: result.columnCount }, () => []);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    for (let k = 0; k < read.length; k++) {
      const vector = chunk.getColumnVector(k);
      for (let row = 0; row < chunk.rowCount; row++) read[k].push(vector.getItem(row));
    }
  }
  db.closeSync();
  instance.closeSync();
  return read;
}
