/** Ratings from Parquet files, which DuckDB reads. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { clip } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import { Cells } from '../../read/cells.js';
import type { ReadOptions } from '../../read/options.js';
import type { RatingRows } from '../../read/rating-rows.js';
import { chooseFields, type Fields } from '../../read/roles.js';

/**
 * Reads all rows of a Parquet file.
 *
 * @throws DataError as `readText`, with the row for the line; and if DuckDB is not installed
 */
export async function readParquet(path: string, label: string, rows: RatingRows, options: ReadOptions): Promise<void> {
  await withDatabase(label, async (db) => {
    const table = `read_parquet(${literal(path.replace(/[[*?]/g, '[$&]'))})`; // no pattern
    const described = await (await db.stream(`DESCRIBE SELECT * FROM ${table}`)).getRows();
    const all = described.map(([name]) => String(name));
    const chosen = chooseFields({ names: all, header: true, sample: [] }, label, options);
    // Only the columns that are needed are read.
    const roles = (['user', 'item', 'rating', 'time', 'title', 'year'] as const).filter((role) => chosen[role] !== undefined);
    const fields = { ...chosen, ...Object.fromEntries(roles.map((role, k) => [role, k])) } as Fields;
    rows.begin({ label, header: true, names: roles.map((role) => all[chosen[role]!]), sample: [], fields });
    const columns: string[] = [];
    for (const role of roles) {
      const [name, type] = described[chosen[role]!].map(String);
      columns.push(await expression(db, table, `"${name.replaceAll('"', '""')}"`, type, role));
    }

    const result = await db.stream(`SELECT ${columns.join(', ')} FROM ${table}`);
    const cells = new Cells();
    const values: unknown[] = [];
    for (let line = 1; ;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      const vectors = roles.map((_, k) => chunk.getColumnVector(k));
      for (let row = 0; row < chunk.rowCount; row++, line++) {
        for (let k = 0; k < vectors.length; k++) values[k] = vectors[k].getItem(row);
        const fault = rows.add(cells.write(values), cells.starts, cells.ends, line);
        if (fault !== undefined) rows.reject(fault, line);
      }
    }
  });
}

/** A column as numbers or text that write its values exactly: whole numbers without a fraction, times in seconds since 1970. */
async function expression(db: DuckDBConnection, table: string, column: string, type: string, role: keyof Fields): Promise<string> {
  const isFloat = /^(FLOAT|DOUBLE|DECIMAL)/.test(type);
  const isWhole = /INT/.test(type);
  if (role === 'time' && /^(TIMESTAMP|DATE)/.test(type)) return `epoch(${column})`;
  if (role === 'rating' || role === 'time') return isFloat || isWhole ? `CAST(${column} AS DOUBLE)` : `CAST(${column} AS VARCHAR)`;
  if (isFloat) {
    // NULL beside whole numbers makes a column of floats, as pandas writes it.
    return `CASE WHEN ${column} = trunc(${column}) AND abs(${column}) < 1e15 THEN CAST(CAST(${column} AS BIGINT) AS VARCHAR)
      ELSE CAST(${column} AS VARCHAR) END`;
  }
  if (!isWhole) return `CAST(${column} AS VARCHAR)`;
  const [[isSafe]] = await (
    await db.stream(`SELECT coalesce(max(${column}) < 9007199254740992 AND min(${column}) > -9007199254740992, true) FROM ${table}`)
  ).getRows();
  return `CAST(${column} AS ${isSafe === true ? 'DOUBLE' : 'VARCHAR'})`;
}

/** Runs `use` with a database in memory, which never uses the network, and closes it. */
async function withDatabase(label: string, use: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const { DuckDBInstance } = await loadDuckDB(label);
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    await use(connection);
  } catch (error) {
    if (error instanceof DataError) throw error;
    // Its messages can be a page long.
    const reason = clip((error as Error).message.split('\n', 1)[0]);
    throw new DataError(`The file cannot be read: ${reason}.`, { file: label }, { cause: error });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function loadDuckDB(label: string): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new DataError(
      'Parquet is read by DuckDB, which is not installed; run `npm install @duckdb/node-api`.',
      { file: label },
      { cause },
    );
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
