import { open } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DataError } from '../../base/errors.js';

/** How a file is written, as its first bytes show. */
export interface Dialect {
  format: 'text' | 'parquet';
  /** Field separator of a text file, one or two characters. */
  delimiter: string;
  /** `"` where fields may be quoted, '' where a quote is an ordinary character. */
  quote: string;
  header: boolean;
  /** Blank lines before the first other line; DuckDB would take a blank line for the header. */
  blankLines: number;
  /** Names of the columns: from the header or the Parquet schema, otherwise '0', '1', ... */
  names: string[];
}

/** How a text file is written, where its first line would mislead. */
export interface DialectOptions {
  /**
   * Separator of the fields. Default: the first of `::`, tab, `,`, `;`, `|` and space that splits the
   * first line into enough fields: three, or two if `onePerson`.
   */
  delimiter?: string | undefined;
  /** Whether the first line holds the names of the columns. Default: it does if none of its fields is a number. */
  header?: boolean | undefined;
}

/** A line that is no row of the table: it has too few or too many fields, an open quote, or is not UTF-8. */
export interface Reject {
  /** Offset of a byte in the offending line, or in the blank lines just before it. */
  at: number;
  reason: string;
}

/** Stands for a field that is empty. A field that is not a finite number is NaN. */
export const MISSING = -Infinity;

const PEEK = 1 << 16;

/** Runs `use` with a database in memory, which never uses the network, and closes it. */
export async function withDatabase<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  // Loaded only here: it takes a quarter of a second, and many who import the package never read a file.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    return await use(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * Finds out how a file is written from its first bytes.
 *
 * @param label what messages call the file
 * @param wanted the fields that a row must have at least
 * @throws DataError if it is empty, binary, or has too few fields
 */
export async function detectDialect(
  db: DuckDBConnection,
  path: string,
  label: string,
  options: DialectOptions,
  wanted: readonly string[],
): Promise<Dialect> {
  const bytes = await firstBytes(path);
  if (bytes.length === 0) throw new DataError('The file is empty.', { file: label });
  if (bytes.subarray(0, 4).toString('latin1') === 'PAR1') {
    const described = await query(db, label, `DESCRIBE SELECT * FROM read_parquet(${literal(escapeGlob(path))})`);
    const names = (await described.getRows()).map((row) => String(row[0]));
    return { format: 'parquet', delimiter: '', quote: '', header: true, blankLines: 0, names };
  }
  if (bytes.includes(0)) {
    throw new DataError('This is a binary file, not text (CSV, TSV, ::) or Parquet, plain or gzipped; unpack it first.', { file: label });
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const opening = /^([\r\n]+)[^\r\n]+(\r\n|\n|\r)/.exec(text);
  if (opening !== null && opening[1].replaceAll(opening[2], '') !== '') throw mixedFile(label); // DuckDB would find no rows
  const lines = text.split(/\r\n|\n|\r/);
  const first = lines.find((line) => line !== '');
  if (first === undefined) throw new DataError('The file has blank lines only.', { file: label });

  const quoteOf = (delimiter: string): string => (delimiter === ',' || delimiter === ';' ? '"' : '');
  const candidates = options.delimiter === undefined ? ['::', '\t', ',', ';', '|', ' '] : [options.delimiter];
  const fits = (each: string): boolean => splitFields(first, each, quoteOf(each)).length >= wanted.length;
  const delimiter = candidates.find(fits) ?? candidates[0];
  const quote = quoteOf(delimiter);
  const fields = splitFields(first, delimiter, quote);
  if (fields.length < wanted.length) {
    const tried = candidates.map(showDelimiter).join(', ');
    throw new DataError(
      `The first line has no ${wanted.length === 2 ? 'two' : 'three'} fields (${wanted.join(', ')}) separated by ${tried}.`,
      { file: label, line: 1 + lines.indexOf(first), value: clip(first) },
    );
  }
  const header = options.header ?? !fields.some(isNumber);
  return {
    format: 'text',
    delimiter,
    quote,
    header,
    blankLines: lines.indexOf(first),
    names: header ? fields : fields.map((_, k) => String(k)),
  };
}

/** Columns of one file as numbers, in the file's order. */
export interface NumberColumns {
  /** One array for each column asked for; NaN where a field is not a finite number, `MISSING` where it is empty. */
  columns: Float64Array[];
  /** Lines left out of the columns, in file order. */
  rejects: Reject[];
}

/** Reads the columns at `positions` as numbers. Those in `times` may hold dates too, which become seconds since 1970. */
export async function readNumbers(
  db: DuckDBConnection,
  path: string,
  label: string,
  dialect: Dialect,
  positions: readonly number[],
  times: readonly number[],
): Promise<NumberColumns> {
  const expressions = positions.map((position) => {
    const text = columnText(dialect, position);
    // DuckDB reads 1_2 as 12, which would make two ids one; -inf is taken, it stands for an empty field.
    const number = `CASE WHEN contains(${text}, '_') THEN NULL ELSE NULLIF(TRY_CAST(${text} AS DOUBLE), '-inf'::DOUBLE) END`;
    const date = times.includes(position) ? `, epoch(TRY_CAST(${text} AS TIMESTAMP))` : '';
    return `CASE WHEN ${text} IS NULL THEN '-inf'::DOUBLE ELSE COALESCE(${number}${date}, 'nan'::DOUBLE) END`;
  });
  let columns = positions.map(() => new Float64Array(1 << 16));
  let n = 0;
  await eachChunk(db, path, label, dialect, expressions, (chunk) => {
    const size = chunk.rowCount;
    if (n + size > columns[0].length) columns = columns.map((column) => grown(column));
    columns.forEach((column, k) => {
      const vector = chunk.getColumnVector(k);
      for (let row = 0; row < size; row++) column[n + row] = vector.getItem(row) as number;
    });
    n += size;
  });
  for (const column of columns) {
    for (let row = 0; row < n; row++) if (column[row] === Infinity) column[row] = NaN;
  }
  return { columns: columns.map((column) => column.subarray(0, n)), rejects: await takeRejects(db, dialect) };
}

/** Reads one column as text, in the same order as `readNumbers`; '' where a field is empty. */
export async function readText(db: DuckDBConnection, path: string, label: string, dialect: Dialect, position: number): Promise<string[]> {
  const values: string[] = [];
  await eachChunk(db, path, label, dialect, [`COALESCE(${columnText(dialect, position)}, '')`], (chunk) => {
    const vector = chunk.getColumnVector(0);
    for (let row = 0; row < chunk.rowCount; row++) values.push(vector.getItem(row) as string);
  });
  await takeRejects(db, dialect);
  return values;
}

/** The fields of one line. A quoted field may hold delimiters, and quotes that are written twice. */
export function splitFields(line: string, delimiter: string, quote: string): string[] {
  if (quote === '' || !line.includes(quote)) return line.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    let field = '';
    if (line[at] === quote) {
      at++;
      for (; at < line.length; at++) {
        if (line[at] !== quote) field += line[at];
        else if (line[at + 1] === quote) field += line[at++];
        else break;
      }
      at++;
    }
    const end = line.indexOf(delimiter, at);
    fields.push(field + line.slice(at, end === -1 ? undefined : end));
    if (end === -1) return fields;
    at = end + delimiter.length;
  }
}

/** At most 60 characters of a value, for a message. */
export function clip(value: string): string {
  return value.length > 60 ? `${value.slice(0, 57)}...` : value;
}

/** The files that match a pattern such as `ratings-*.csv`, sorted. */
export async function expandGlob(db: DuckDBConnection, pattern: string): Promise<string[]> {
  const found = await query(db, pattern, `SELECT file FROM glob(${literal(pattern)}) ORDER BY file`);
  return (await found.getRows()).map((row) => String(row[0]));
}

type Chunk = NonNullable<Awaited<ReturnType<Awaited<ReturnType<DuckDBConnection['stream']>>['fetchChunk']>>>;

async function eachChunk(
  db: DuckDBConnection,
  path: string,
  label: string,
  dialect: Dialect,
  expressions: readonly string[],
  use: (chunk: Chunk) => void,
): Promise<void> {
  const result = await query(db, label, `SELECT ${expressions.join(', ')} FROM ${tableOf(path, dialect)}`);
  for (;;) {
    const chunk = await rephrased(label, () => result.fetchChunk());
    if (chunk === null || chunk.rowCount === 0) return;
    use(chunk);
  }
}

function tableOf(path: string, { format, delimiter, quote, header, blankLines, names }: Dialect): string {
  const file = literal(escapeGlob(path));
  if (format === 'parquet') return `read_parquet(${file})`;
  const columns = names.map((_, k) => `c${k}: 'VARCHAR'`).join(', ');
  return `read_csv(${file}, auto_detect = false, header = ${header}, skip = ${blankLines}, columns = {${columns}},
    delim = ${literal(delimiter)}, quote = ${literal(quote)}, escape = ${literal(quote)}, comment = '', compression = 'none',
    store_rejects = true, rejects_table = 'rejects', rejects_scan = 'reject_scans')`;
}

function columnText({ format, names }: Dialect, position: number): string {
  return format === 'parquet' ? `CAST("${names[position].replaceAll('"', '""')}" AS VARCHAR)` : `c${position}`;
}

async function takeRejects(db: DuckDBConnection, { format }: Dialect): Promise<Reject[]> {
  if (format === 'parquet') return [];
  const reasons: Record<string, string> = {
    'MISSING COLUMNS': 'a field is missing',
    'TOO MANY COLUMNS': 'there are more fields than columns',
    'UNQUOTED VALUE': 'a quoted field does not end where it should',
    'LINE SIZE OVER MAXIMUM': 'the line is longer than 2 MB',
    'INVALID ENCODING': 'the text is not UTF-8',
  };
  const found = await db.run(`SELECT line_byte_position::DOUBLE, any_value(error_type)::VARCHAR FROM rejects GROUP BY 1 ORDER BY 1`);
  const rows = await found.getRows();
  await db.run('DROP TABLE rejects; DROP TABLE reject_scans');
  // DuckDB counts bytes from 1.
  return rows.map(([at, type]) => ({ at: (at as number) - 1, reason: reasons[type as string] ?? String(type).toLowerCase() }));
}

function query(db: DuckDBConnection, label: string, sql: string): ReturnType<DuckDBConnection['stream']> {
  return rephrased(label, () => db.stream(sql));
}

/** Turns an error of DuckDB, whose message can be a page long, into a DataError with the first line of it. */
async function rephrased<T>(label: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0];
    if (reason.includes('state machine')) throw mixedFile(label, error);
    throw new DataError(`The file cannot be read: ${clip(reason)}.`, { file: label }, { cause: error });
  }
}

function mixedFile(label: string, cause?: unknown): DataError {
  return new DataError(
    'The file mixes line ends (LF, CRLF, CR), or its quotes; write it in one way throughout.',
    { file: label },
    { cause },
  );
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PEEK), 0, PEEK, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function isNumber(field: string): boolean {
  return field.trim() !== '' && Number.isFinite(Number(field));
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * column.length);
  larger.set(column);
  return larger;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path of an existing file, escaped so that DuckDB does not take `*`, `?` or `[` in it for a pattern. */
function escapeGlob(path: string): string {
  return path.replace(/[[*?]/g, '[$&]');
}

function showDelimiter(delimiter: string): string {
  return delimiter === '\t' ? 'tab' : delimiter === ' ' ? 'space' : delimiter;
}
