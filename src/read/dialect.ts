/** How a text file is written, as its first lines show. */
import { clip } from '../base/check.js';
import { DataError } from '../base/errors.js';
import { isObject } from '../base/json.js';
import type { ReadOptions } from './options.js';
import { columnNamed, type Table } from './roles.js';

export interface Dialect extends Table {
  /**
   * A table with one row a line; JSON with one object a line; the blocks of the Netflix prize, where `1:` names the item
   * of the lines `user,rating,date` below it.
   */
  kind: 'table' | 'json' | 'blocks';
  /** Field separator of a table; a space stands for any run of spaces and tabs. */
  delimiter: string;
  /** Line of the header, from 1; 0 if there is none, or it is a comment. */
  headerLine: number;
  /** Whether the first line only names the separator, as in `sep=;`, which spreadsheets write. */
  hasSeparatorLine: boolean;
  /** Whether the first line that is no comment holds the sizes of a Matrix Market file. */
  hasSizes: boolean;
  /** Whether all lines begin with # or %, which then belongs to the ids. */
  isMarked: boolean;
}

/** The first line of a table that spreadsheets write. */
const SEPARATOR_LINE = /^"?sep=(.|\\t)"?$/i;
const DELIMITERS = ['::', '\t', ',', ';', '|', ' '];
/** Lines that are looked at. */
const SAMPLE = 100;

/**
 * Finds out how a text is written from its first bytes.
 *
 * @param isWhole whether these are all bytes; otherwise the last line may be cut
 * @throws DataError if it is empty, binary, no text that holds ratings, or has too few fields
 */
export function detectDialect(bytes: Uint8Array, isWhole: boolean, label: string, options: ReadOptions): Dialect {
  if (bytes.length === 0) throw new DataError('The file is empty.', { file: label });
  if (bytes.includes(0)) {
    const nulls = bytes.filter((byte) => byte === 0).length;
    const wide = nulls > bytes.length / 4 ? "; if it is UTF-16, pass encoding: 'utf-16le'" : '; unpack it first';
    throw new DataError(`This is a binary file, not text (CSV, TSV, ::, JSON lines) or Parquet, plain or gzipped${wide}.`, { file: label });
  }
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/);
  if (!isWhole && lines.length > 1) lines.pop();
  const isSoft = (line: string) => isComment(line) && !isComment(line, true);
  const separator = SEPARATOR_LINE.exec(lines[0].trimStart())?.[1];
  const hasSeparatorLine = separator !== undefined;
  const rows = lines.flatMap((text, k) => {
    const isRow = text.trim() !== '' && !isComment(text, true) && !(k === 0 && hasSeparatorLine);
    return isRow ? [{ text, line: k + 1 }] : [];
  });
  // A line such as #7,3,5 is a row if all lines begin so.
  const sure = rows.filter(({ text }) => !isSoft(text));
  const [first] = sure.length > 0 ? sure : rows;
  if (first === undefined) {
    const what = lines.some((line) => line.trim() !== '') ? 'comments (# or %) and blank lines' : 'blank lines';
    throw new DataError(`The file has ${what} only.`, { file: label });
  }
  if (first.text.startsWith('{')) return json(first.text, label);
  if (first.text.startsWith('[')) {
    throw new DataError('This is a JSON array; write one object a line (JSON lines), as `jq -c ".[]"` does.', { file: label });
  }
  if (/^<(!doctype|html|\?xml)/i.test(first.text)) throw new DataError('This is a page of HTML or XML, not ratings.', { file: label });
  if (/^\d+:\s*$/.test(first.text)) return blocks();
  const texts = (sure.length > 0 ? sure : rows).slice(0, SAMPLE).map(({ text }) => text);
  const comments = lines.slice(0, first.line - 1).filter((line) => isComment(line));
  const found = table(texts, first, comments, label, { ...options, delimiter: options.delimiter ?? separator });
  return { ...found, hasSeparatorLine, isMarked: sure.length === 0 };
}

/** Whether a line begins with # or %; if `surely`, with a space, another mark or nothing after it. */
export function isComment(line: string, surely = false): boolean {
  return surely ? /^[#%](?:[\s#%]|$)/.test(line) : /^[#%]/.test(line);
}

function json(line: string, label: string): Dialect {
  const first = parseObject(line);
  if (first === undefined)
    throw new DataError(`The first line is no JSON object: '${clip(line)}'.`, { file: label, line: 1, value: clip(line) });
  return {
    kind: 'json',
    delimiter: '',
    header: true,
    names: Object.keys(first),
    ...ROWS_ONLY,
  };
}

/** A dialect that has nothing before its first row. */
const ROWS_ONLY = { headerLine: 0, hasSeparatorLine: false, hasSizes: false, isMarked: false, sample: [] } as const;

/** The object that a line of JSON holds, undefined if it holds none. */
export function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function blocks(): Dialect {
  const names = ['item', 'user', 'rating', 'date'];
  return { kind: 'blocks', delimiter: ',', header: true, names, ...ROWS_ONLY };
}

function table(
  texts: string[],
  first: { text: string; line: number },
  comments: string[],
  label: string,
  options: ReadOptions,
): Omit<Dialect, 'isMarked' | 'hasSeparatorLine'> {
  const wanted = options.onePerson ? ['item', 'rating'] : ['user', 'item', 'rating'];
  const given = options.delimiter === '\\t' ? '\t' : options.delimiter;
  const tried = given === undefined ? DELIMITERS : [given];
  const hasSizes = comments.some((line) => line.startsWith('%%MatrixMarket'));
  if (hasSizes && !comments.some((line) => /coordinate\s+(real|integer)\s+general/i.test(line))) {
    const problem = 'This Matrix Market file is no list of coordinates with a number each (coordinate real general); write it as one.';
    throw new DataError(problem, { file: label });
  }
  const body = hasSizes ? texts.slice(1) : texts;
  const delimiter = bestDelimiter(body.length > 0 ? body : texts, tried, wanted.length, options.header);
  if (delimiter === undefined) {
    const separators = tried.map((each) => (each === '\t' ? 'a tab' : each === ' ' ? 'a space' : `'${each}'`)).join(' or ');
    throw new DataError(
      `The first line does not have ${wanted.length === 2 ? 'two' : 'three'} fields (${wanted.join(', ')}) separated by ${separators}.`,
      { file: label, line: first.line, value: clip(first.text) },
    );
  }
  const rows = body.map((line) => splitFields(line, delimiter));
  const shared = { kind: 'table', delimiter, hasSizes } as const;
  const isHeader = !hasSizes && (options.header ?? isHeading(rows[0]));
  if (isHeader) {
    const [names, ...sample] = rows;
    return { ...shared, header: true, names: isNumbered(names, sample) ? ['', ...names] : names, headerLine: first.line, sample };
  }
  const noted = options.header === false ? undefined : headingOf(comments.at(-1), delimiter, rows[0].length);
  const names = noted ?? rows[0].map((_, k) => String(k));
  return { ...shared, header: noted !== undefined, names, headerLine: 0, sample: rows };
}

/**
 * The separator that fits best: most lines have equally many fields, enough of them, the rating is a number, and they are
 * as many as possible; a space only if nothing else fits.
 */
function bestDelimiter(lines: readonly string[], tried: readonly string[], wanted: number, header?: boolean): string | undefined {
  let best: string | undefined;
  let most = -1;
  for (const delimiter of tried) {
    const rows = lines.map((line) => splitFields(line, delimiter));
    const n = rows[0].length;
    if (n < wanted) continue;
    const isEven = rows.every((row) => row.length === n || (row.length === n + 1 && row[n] === ''));
    const hasHeader = header ?? isHeading(rows[0]);
    const named = hasHeader ? columnNamed(rows[0], 'rating') : -1;
    const rated = rows.slice(hasHeader ? 1 : 0).filter((row) => isNumber(row[named === -1 ? wanted - 1 : named] ?? '')).length;
    const score = (isEven ? 4e6 : 0) + (2 * rated >= rows.length - 1 ? 2e6 : 0) + (delimiter === ' ' ? 0 : 1e6) + Math.min(n, 9e5);
    if (score > most) [best, most] = [delimiter, score];
  }
  if (best === undefined || best === ' ') return best;
  // 1, 2, 3.5
  const isSpaced = lines.every((line) => splitFields(line, best).every((field, k) => k === 0 || field.startsWith(' ')));
  return isSpaced ? `${best} ` : best;
}

/** Whether a first line holds names: no field is a number, or one is a well-known name of users or items beside numbers. */
function isHeading(fields: readonly string[]): boolean {
  return !fields.some(isNumber) || /^(user|item|movie|product)(_?id)?$/i.test(fields[0]);
}

/** Whether rows have one field more than the header names, which counts them: R writes tables so. */
function isNumbered(names: readonly string[], rows: readonly (readonly string[])[]): boolean {
  return rows.length > 1 && rows.every((row, k) => row.length === names.length + 1 && row[0] === String(k + 1));
}

/** The names that a comment before the first row gives the columns, if it does. */
function headingOf(comment: string | undefined, delimiter: string, n: number): string[] | undefined {
  const text = comment?.replace(/^[#%\s]+/, '') ?? '';
  const names = [delimiter, ' '].map((each) => splitFields(text, each)).find((each) => each.length === n);
  const known = names === undefined ? 0 : (['user', 'item', 'rating'] as const).filter((role) => columnNamed(names, role) !== -1).length;
  return known >= 2 ? names : undefined;
}

/** Whether a quote may only stand at both ends of a field, as in CSV; elsewhere a field may also begin with one that is text. */
export const quotesStrictly = (delimiter: string): boolean => /^[,;] ?$/.test(delimiter);

/** The fields of one line. A quoted field may hold delimiters, and quotes that are written twice. */
export function splitFields(line: string, delimiter: string): string[] {
  if (delimiter === ' ') return line.trim().split(/[ \t]+/);
  if (!line.includes('"')) return line.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const quoted = line[at] === '"' ? quotedField(line, at, delimiter) : undefined;
    const end = quoted?.end ?? line.indexOf(delimiter, at);
    fields.push(quoted?.field ?? line.slice(at, end === -1 ? undefined : end));
    if (end === -1) return fields;
    at = end + delimiter.length;
  }
}

/** The quoted field that begins at `at`, and where it ends: -1 at the end of the line; undefined if the quotes are text. */
function quotedField(line: string, at: number, delimiter: string): { field: string; end: number } | undefined {
  for (let close = line.indexOf('"', at + 1); close !== -1; close = line.indexOf('"', close + 2)) {
    if (line[close + 1] === '"') continue;
    const field = line.slice(at + 1, close).replaceAll('""', '"');
    if (close + 1 === line.length) return { field, end: -1 };
    return line.startsWith(delimiter, close + 1) ? { field, end: close + 1 } : undefined;
  }
  return undefined;
}

function isNumber(field: string): boolean {
  return field.trim() !== '' && Number.isFinite(Number(field.trim().replace(/^([+-]?\d+),(\d{1,2})$/, '$1.$2')));
}
