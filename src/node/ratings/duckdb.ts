/** DuckDB, which only `dotbias prepare` needs: an optional package, loaded on demand. */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBType, DuckDBVector } from '@duckdb/node-api';
import { DotbiasError } from '../../base/errors.js';

/** The version that dotbias is tested with. */
export const DUCKDB_PACKAGE = '@duckdb/node-api@1.5.6-r.1';

/** How much DuckDB may take. */
export interface DatabaseLimits {
  /** Bytes of memory; what exceeds them goes to the disk. */
  memory: number;
  /** Threads; undefined: one for each core. */
  threads?: number | undefined;
}

/** The types of columns that are written and read here. */
const TYPES = ['UINTEGER', 'USMALLINT', 'FLOAT', 'DOUBLE', 'VARCHAR'] as const;
export type ColumnType = (typeof TYPES)[number];
/** A column that is written or was read: a typed array, or texts. */
export type Values = Uint32Array | Uint16Array | Float32Array | Float64Array | readonly string[];

/** Rows of a chunk: DuckDB's own vectors have as many. */
const CHUNK = 2048;

/** A database in a file, for one user and one time. */
export class Database {
  readonly #duckdb: typeof import('@duckdb/node-api');
  readonly #connection: DuckDBConnection;
  readonly #close: () => void;

  private constructor(duckdb: typeof import('@duckdb/node-api'), connection: DuckDBConnection, close: () => void) {
    this.#duckdb = duckdb;
    this.#connection = connection;
    this.#close = close;
  }

  /** Makes a database in a folder. @throws DotbiasError if DuckDB is not installed */
  static async create(folder: string, { memory, threads }: DatabaseLimits): Promise<Database> {
    const duckdb = await loadDuckDB();
    const settings = {
      memory_limit: `${Math.floor(memory / 1e6)}MB`,
      temp_directory: `${folder}/spilled`,
      preserve_insertion_order: 'false', // which takes memory; whoever needs an order asks for it
      ...(threads !== undefined && { threads: String(threads) }),
    };
    const instance = await duckdb.DuckDBInstance.create(`${folder}/ratings.duckdb`, settings).catch(refuse);
    const connection = await instance.connect();
    const close = () => {
      connection.closeSync();
      instance.closeSync();
    };
    return new Database(duckdb, connection, close);
  }

  /** Runs statements. @throws DotbiasError in DuckDB's words */
  async run(sql: string): Promise<void> {
    await this.#connection.run(sql).catch(refuse);
  }

  /** The only row of a result, as numbers and texts. @throws as `run` */
  async row(sql: string): Promise<(number | string)[]> {
    const [row] = await this.rows(sql);
    return row;
  }

  /** A small result, as numbers and texts; null is the empty text. @throws as `run` */
  async rows(sql: string): Promise<(number | string)[][]> {
    const result = await this.#connection.runAndReadAll(sql).catch(refuse);
    return result
      .getRows()
      .map((row) =>
        row.map((value) => (typeof value === 'bigint' ? Number(value) : typeof value === 'number' ? value : String(value ?? ''))),
      );
  }

  /** A result of any length, chunk by chunk: columns of numbers, which hold until the next chunk. @throws as `run` */
  async *stream(sql: string): AsyncGenerator<Exclude<Values, readonly string[]>[]> {
    const result = await this.#connection.stream(sql).catch(refuse);
    for (;;) {
      const chunk = await result.fetchChunk().catch(refuse);
      if (chunk === null || chunk.rowCount === 0) return;
      yield Array.from({ length: chunk.columnCount }, (_, column) => numbersOf(chunk.getColumnVector(column)).subarray(0, chunk.rowCount));
    }
  }

  /** Makes a table, to be filled with columns of these types. */
  async table(name: string, columns: Readonly<Record<string, ColumnType>>): Promise<TableWriter> {
    await this.run(
      `CREATE TABLE ${name} (${Object.entries(columns)
        .map((column) => column.join(' '))
        .join(', ')})`,
    );
    const appender = await this.#connection.createAppender(name).catch(refuse);
    const types = Object.values(columns).map((type) => this.#duckdb[type] as DuckDBType);
    const chunk = this.#duckdb.DuckDBDataChunk.create(types, CHUNK);
    let isOpen = true;
    return {
      append: (values) => appendTo((each) => appender.appendDataChunk(each), chunk, values),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        try {
          appender.closeSync();
        } catch (error) {
          refuse(error);
        }
      },
    };
  }

  close(): void {
    this.#close();
  }
}

/** Fills a table. */
export interface TableWriter {
  /** Adds rows, given as columns of equal length. @throws as `Database.run` */
  append(columns: readonly Values[]): void;
  /** To be called at the end, before the table is read; a second time it does nothing. */
  close(): void;
}

function appendTo(append: (chunk: DuckDBDataChunk) => void, chunk: DuckDBDataChunk, columns: readonly Values[]): void {
  const nRows = columns[0].length;
  for (let at = 0; at < nRows; at += CHUNK) {
    const size = Math.min(CHUNK, nRows - at);
    chunk.reset();
    chunk.rowCount = size;
    columns.forEach((values, k) => {
      const vector = chunk.getColumnVector(k);
      if (ArrayBuffer.isView(values)) numbersOf(vector).set((values as Float64Array).subarray(at, at + size));
      else for (let row = 0; row < size; row++) vector.setItem(row, (values as readonly string[])[at + row]);
      vector.flush();
    });
    try {
      append(chunk);
    } catch (error) {
      refuse(error);
    }
  }
}

/** The memory of a vector of numbers. */
function numbersOf(vector: DuckDBVector): Exclude<Values, readonly string[]> {
  return (vector as unknown as { items: Exclude<Values, readonly string[]> }).items;
}

async function loadDuckDB(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const problem = isMissing ? 'DuckDB, which prepares ratings, is not installed' : `DuckDB cannot be loaded: ${firstLine(cause)}`;
    throw new DotbiasError(`${problem}; install it with: npm install ${DUCKDB_PACKAGE}.`, { cause });
  }
}

/** Passes on an error of DuckDB as one of ours. */
function refuse(cause: unknown): never {
  if (cause instanceof DotbiasError) throw cause;
  const text = firstLine(cause);
  const advice = text.startsWith('Out of Memory') ? ' Give it more memory, or fewer threads.' : '';
  throw new DotbiasError(`DuckDB says: ${text}.${advice}`, { cause });
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n', 1)[0].replace(/\.$/, '');
