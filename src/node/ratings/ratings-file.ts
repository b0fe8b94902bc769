import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { DuckDBConnection } from '@duckdb/node-api';
import { checkOptions, checkRange } from '../../base/check.js';
import { DataError } from '../../base/errors.js';
import type { RatingColumns } from '../../data/collab-data.js';
import type { Id } from '../../data/ids.js';
import { locate, type BadRow, type Problem } from './bad-rows.js';
import { chooseFields, type Fields } from './rating-fields.js';
import { READ_OPTIONS, type ReadRatingsOptions } from './read-options.js';
import {
  clip,
  detectDialect,
  expandGlob,
  MISSING,
  readNumbers,
  readText,
  splitFields,
  withDatabase,
  type Dialect,
  type NumberColumns,
} from './table-reader.js';

export type { ColumnChoice, FieldOptions } from './rating-fields.js';
export type { ReadRatingsOptions } from './read-options.js';
export type { DialectOptions } from './table-reader.js';

/** The rows that `skipBadRows` left out. */
export interface Skipped {
  /** Number of malformed rows left out. */
  skipped: number;
  /** A sentence about each of the first five. */
  skippedExamples: string[];
}

/** Ratings as they were read. */
export interface RatingsFile extends Skipped {
  /**
   * Ids are numbers if the whole column is integers, otherwise strings. Timestamps, if there are any, are as in the file;
   * dates become seconds since 1970.
   */
  columns: RatingColumns;
  /** Name of the folder, such as 'ml-100k', or of the file. */
  name: string;
  /** Item titles by item id, if the file belongs to a layout of MovieLens that has them. */
  titles?: Map<Id, string> | undefined;
}

/** Ratings that were split already, as they were read: `columns` of `RatingsFile` for each part. */
export interface RatingsSplit extends Skipped {
  train: RatingColumns;
  valid: RatingColumns;
  /** Names of both files. */
  name: string;
  /** Item titles by item id, as for `RatingsFile`. */
  titles?: Map<Id, string> | undefined;
}

/** The layouts in which GroupLens publishes MovieLens: ml-100k; ml-latest, ml-20m to ml-32m; ml-1m, ml-10m. */
const LAYOUTS = [
  { ratings: 'u.data', pattern: /^u\.data$|^u[1-5ab]\.(base|test)$/, titles: 'u.item', delimiter: '|', quote: '' },
  { ratings: 'ratings.csv', pattern: /^ratings\.csv$/, titles: 'movies.csv', delimiter: ',', quote: '"' },
  { ratings: 'ratings.dat', pattern: /^ratings\.dat$/, titles: 'movies.dat', delimiter: '::', quote: '' },
] as const;

type Layout = (typeof LAYOUTS)[number];

/** One file to read. */
interface Source {
  path: string;
  /** The name that was given: messages use it, and titles are looked for beside it. */
  label: string;
  layout?: Layout | undefined;
}

const MAX_EXAMPLES = 5;

/**
 * Reads ratings.
 *
 * A row is malformed if it has a field too few or too many, if its rating is not a finite number or lies outside
 * `ratingRange`, or if an id is negative or above 2^53 - 1. There are no comment lines; blank lines are ignored.
 *
 * @param source a CSV, TSV or `::`-separated file (such as MovieLens' ratings.dat), gzipped or not; a Parquet file; a folder
 *   of MovieLens; a pattern such as `part-*.csv`; `-` for standard input; or a list of these, joined in the order given
 * @throws DataError at the first malformed row, with file, line (from 1, the header counted; for Parquet the row), column and
 *   value, and for a file that is missing, empty, binary, or without the columns needed; RangeError for an option out of
 *   range, TypeError for one that does not exist
 */
export async function readRatings(source: string | readonly string[], options: ReadRatingsOptions = {}): Promise<RatingsFile> {
  checkOptions('readRatings', options, READ_OPTIONS);
  const [file] = await readAll([typeof source === 'string' ? [source] : source], options);
  return file;
}

/**
 * Reads ratings that are split already, such as u1.base and u1.test of MovieLens, for `CollabData.fromSplit`. Options and
 * errors as for `readRatings`.
 */
export async function readSplit(trainFile: string, validFile: string, options: ReadRatingsOptions = {}): Promise<RatingsSplit> {
  checkOptions('readSplit', options, READ_OPTIONS);
  const [train, valid] = await readAll([[trainFile], [validFile]], options);
  return {
    train: train.columns,
    valid: valid.columns,
    name: `${train.name} / ${valid.name}`,
    skipped: train.skipped + valid.skipped,
    skippedExamples: [...train.skippedExamples, ...valid.skippedExamples].slice(0, MAX_EXAMPLES),
    ...(train.titles && { titles: train.titles }),
  };
}

async function readAll(groups: readonly (readonly string[])[], options: ReadRatingsOptions): Promise<RatingsFile[]> {
  const { ratingRange, delimiter } = options;
  if (ratingRange !== undefined) checkRange('ratingRange', ratingRange);
  if (delimiter === '') throw new RangeError('delimiter must not be empty.');
  const scratch = await mkdtemp(join(tmpdir(), 'dotbias-'));
  try {
    return await withDatabase(async (db) => {
      const files: RatingsFile[] = [];
      for (const group of groups) {
        if (group.length === 0) throw new RangeError('readRatings needs the name of a file.');
        const sources: Source[] = [];
        for (const each of group) {
          const found = await findSources(db, each, scratch, options.stdin ?? process.stdin);
          for (const source of found) sources.push(await unpacked(source, scratch));
        }
        files.push(await readSources(db, sources, nameOf(group), options));
      }
      return files;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The files that one name stands for. */
async function findSources(db: DuckDBConnection, source: string, scratch: string, stdin: NodeJS.ReadableStream): Promise<Source[]> {
  if (source === '-') {
    const path = join(scratch, 'stdin');
    await pipeline(stdin, createWriteStream(path));
    return [{ path, label: 'standard input' }];
  }
  const kind = await kindOf(source);
  if (kind === 'folder') {
    for (const layout of LAYOUTS) {
      const path = join(source, layout.ratings);
      if ((await kindOf(path)) === 'file') return [{ path, label: path, layout }];
    }
    throw new DataError(`This is a folder without ${LAYOUTS.map((each) => each.ratings).join(', ')}; name a file in it.`, { file: source });
  }
  if (kind === 'file') return [describeFile(source)];
  const matches = /[*?[]/.test(source) ? await expandGlob(db, source) : [];
  if (matches.length === 0) throw new DataError('There is no such file or folder.', { file: source });
  return matches.map(describeFile);
}

/** The source itself or, if it is gzipped, an unpacked copy of it: only unpacking all of it shows whether it is complete. */
async function unpacked(source: Source, scratch: string): Promise<Source> {
  const { path, label } = source;
  try {
    if (!(await isGzip(path))) return source;
    const plain = join(scratch, randomUUID());
    await pipeline(createReadStream(path), createGunzip(), createWriteStream(plain));
    return { ...source, path: plain };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) throw new DataError('The gzip data are damaged or cut short.', { file: label }, { cause: error });
    throw unreadable(label, error);
  }
}

async function isGzip(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: 1 }) as AsyncIterable<Buffer>) return chunk[0] === 0x1f && chunk[1] === 0x8b;
  return false;
}

function describeFile(path: string): Source {
  const layout = LAYOUTS.find((each) => each.pattern.test(basename(path, '.gz')));
  return { path, label: path, ...(layout && { layout }) };
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return 'nothing';
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): DataError {
  return new DataError(
    `The file cannot be opened (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`,
    { file: path },
    { cause: error },
  );
}

function nameOf(group: readonly string[]): string {
  const first = group[0] === '-' ? 'standard input' : basename(resolve(group[0]));
  return group.length === 1 ? first : `${first} and ${group.length - 1} more`;
}

/** A file, and what was read of it. */
interface Part extends NumberColumns {
  source: Source;
  dialect: Dialect;
  fields: Fields;
}

async function readSources(
  db: DuckDBConnection,
  sources: readonly Source[],
  name: string,
  options: ReadRatingsOptions,
): Promise<RatingsFile> {
  const parts: Part[] = [];
  for (const source of sources) {
    const { path, label } = source;
    try {
      const dialect = await detectDialect(db, path, label, options, options.onePerson ? ['item', 'rating'] : ['user', 'item', 'rating']);
      const fields = chooseFields(dialect, label, options);
      const times = fields.timestamp === undefined ? [] : [fields.timestamp];
      const numbers = await readNumbers(
        db,
        path,
        label,
        dialect,
        [fields.user ?? fields.item, fields.item, fields.rating, ...times],
        times,
      );
      parts.push({ source, dialect, fields, ...numbers });
    } catch (error) {
      throw error instanceof DataError || (error as NodeJS.ErrnoException).code === undefined ? error : unreadable(label, error);
    }
  }

  // A column of ids is text if any of its fields, in any of the files, is not an integer.
  const isText = [0, 1].map((k) => options.textIds === true || parts.some((part) => holdsText(part.columns[k])));
  // A fourth column without a name may be anything; it is taken for timestamps only if all of it is numbers or dates.
  const timed = parts.every(
    ({ fields, columns }) => fields.timestamp !== undefined && (fields.timestampNamed || columns[3].every(Number.isFinite)),
  );

  const skippedExamples: string[] = [];
  let skipped = 0;
  const faults: BadRow[][] = [];
  for (const part of parts) {
    const bad = findBadRows(part, isText, timed, options.ratingRange);
    const count = bad.length + part.rejects.length;
    if (count > 0) {
      const limit = options.skipBadRows === true ? MAX_EXAMPLES - skippedExamples.length : 1;
      const problems = limit === 0 ? [] : await findProblems(part, bad, limit);
      if (options.skipBadRows !== true) throw problemError(part, problems[0]);
      skippedExamples.push(...problems.map((problem) => problemError(part, problem).message));
      skipped += count;
    }
    faults.push(bad);
  }

  const numbers = (k: number): Float64Array => joined(parts.map(({ columns }, index) => without(columns[k], faults[index])));
  const ids = async (k: 0 | 1): Promise<ArrayLike<Id>> => {
    if (k === 0 && parts.some(({ fields }) => fields.user === undefined)) return new Float64Array(numbers(1).length);
    if (!isText[k]) return numbers(k);
    let texts: string[] = [];
    for (const [index, { source, dialect, fields }] of parts.entries()) {
      const values = await readText(db, source.path, source.label, dialect, k === 0 ? fields.user! : fields.item);
      const bad = new Set(faults[index].map(({ row }) => row));
      texts = texts.concat(bad.size === 0 ? values : values.filter((_, row) => !bad.has(row)));
    }
    return texts;
  };
  const columns: RatingColumns = {
    users: await ids(0),
    items: await ids(1),
    ratings: new Float32Array(numbers(2)),
    ...(timed && { timestamps: numbers(3) }),
  };
  if (columns.ratings.length === 0) {
    throw new DataError(
      skipped > 0 ? `No row is left: all ${skipped} are malformed, the first: ${skippedExamples[0]}` : 'There are no ratings in it.',
      {
        file: sources.map((each) => each.label).join(', '),
      },
    );
  }
  const titles = await readTitles(sources[0]);
  return { columns, name, skipped, skippedExamples, ...(titles && { titles }) };
}

/** The malformed rows, each with the first thing that is wrong with it. */
function findBadRows({ columns, fields, dialect }: Part, isText: boolean[], timed: boolean, range?: readonly [number, number]): BadRow[] {
  const [users, items, ratings, timestamps] = columns;
  const bad: BadRow[] = [];
  const fault = (row: number, position: number, reason: string): void => {
    bad.push({ row, position, column: dialect.names[position], reason });
  };
  const [lo, hi] = range ?? [-Infinity, Infinity];
  for (let row = 0; row < ratings.length; row++) {
    const userFault = fields.user === undefined ? undefined : idFault(users[row], isText[0]);
    const itemFault = userFault === undefined ? idFault(items[row], isText[1]) : undefined;
    const rating = ratings[row];
    if (userFault !== undefined) fault(row, fields.user!, `the user ${userFault}`);
    else if (itemFault !== undefined) fault(row, fields.item, `the item ${itemFault}`);
    else if (rating === MISSING) fault(row, fields.rating, 'the rating is missing');
    else if (!Number.isFinite(Math.fround(rating))) fault(row, fields.rating, 'the rating is not a finite number');
    else if (rating < lo || rating > hi) fault(row, fields.rating, `the rating is not in ${lo} to ${hi}`);
    else if (timed && timestamps[row] === MISSING) fault(row, fields.timestamp!, 'the timestamp is missing');
    else if (timed && !Number.isFinite(timestamps[row])) fault(row, fields.timestamp!, 'the timestamp is not a number or a date');
  }
  return bad;
}

function idFault(id: number, isText: boolean): string | undefined {
  if (id === MISSING) return 'is missing';
  if (isText || (id >= 0 && id <= Number.MAX_SAFE_INTEGER)) return undefined;
  return id < 0 ? 'is negative' : 'is above 2^53 - 1; pass textIds: true to take ids as text';
}

async function findProblems({ source, dialect, columns, fields, rejects }: Part, bad: BadRow[], limit: number): Promise<Problem[]> {
  if (dialect.format === 'text') return locate(source.path, dialect, bad, rejects, limit);
  const order = [fields.user ?? -1, fields.item, fields.rating, fields.timestamp];
  return bad.slice(0, limit).map(({ row, position, column, reason }) => {
    const value = columns[order.indexOf(position)][row];
    return { line: row + 1, column, value: value === MISSING ? '' : String(value), reason };
  });
}

function problemError({ source, dialect }: Part, { line, column, value, reason }: Problem): DataError {
  const where = column === undefined ? '' : dialect.header ? `column ${column}: ` : `column ${column} (from 0): `;
  return new DataError(`${where}${reason}${value === '' ? '' : `: '${clip(value)}'`}.`, {
    file: source.label,
    line,
    value,
    ...(column !== undefined && { column }),
  });
}

function holdsText(ids: Float64Array): boolean {
  for (let row = 0; row < ids.length; row++) if (ids[row] !== MISSING && !Number.isInteger(ids[row])) return true;
  return false;
}

/** The column without the bad rows; the same array if there are none. */
function without(column: Float64Array, bad: readonly BadRow[]): Float64Array {
  if (bad.length === 0) return column;
  const kept = new Float64Array(column.length - bad.length);
  for (let row = 0, next = 0, k = 0; row < column.length; row++) {
    if (bad[next]?.row === row) next++;
    else kept[k++] = column[row];
  }
  return kept;
}

function joined(columns: readonly Float64Array[]): Float64Array {
  if (columns.length === 1) return columns[0];
  const all = new Float64Array(columns.reduce((sum, column) => sum + column.length, 0));
  let at = 0;
  for (const column of columns) {
    all.set(column, at);
    at += column.length;
  }
  return all;
}

/** Titles from the file beside the ratings. Those of ml-100k and ml-1m are in Latin-1, the others in UTF-8. */
async function readTitles({ label, layout }: Source): Promise<Map<Id, string> | undefined> {
  if (layout === undefined) return undefined;
  const file = join(dirname(label), layout.titles);
  if ((await kindOf(file)) !== 'file') return undefined;
  const titles = new Map<Id, string>();
  for (const line of decode(await readFile(file)).split(/\r?\n/)) {
    const [id, title] = splitFields(line, layout.delimiter, layout.quote);
    if (/^\d+$/.test(id) && title !== undefined) titles.set(Number(id), title);
  }
  return titles;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}
