/** Reads ratings from text: tables with one rating a line, JSON lines, the blocks of the Netflix prize. */
import { DataError } from '../base/errors.js';
import { Cells } from './cells.js';
import { detectDialect, isComment, parseObject, type Dialect } from './dialect.js';
import { joined, toUtf8 } from './encoding.js';
import type { ReadOptions } from './options.js';
import type { Fault, RatingRows } from './rating-rows.js';
import { MAX_LINE, RecordScanner } from './record.js';
import { chooseFields } from './roles.js';

/** Bytes from which the dialect is detected. */
const HEAD = 1 << 16;
/** Bytes from which the number of rows is estimated, where the size of the text is known, and how much more room is made than that. */
const SAMPLE = 1 << 20;
const MARGIN = 1.1;
const LF = 10;
const CR = 13;

/**
 * Reads all rows of a text, in one pass and in the memory of one chunk.
 *
 * @param label what messages call the text
 * @param size its bytes, where they are known
 * @throws DataError at the first malformed row, unless these are left out, and for text that holds no ratings
 */
export async function readText(
  chunks: AsyncIterable<Uint8Array>,
  label: string,
  rows: RatingRows,
  options: ReadOptions,
  size?: number,
): Promise<void> {
  const before = rows.length;
  let taken = 0;
  let rest: Uint8Array = new Uint8Array(0);
  let read: ((bytes: Uint8Array, isLast: boolean) => number) | undefined;
  const begin = (isWhole: boolean) => {
    const found = detectDialect(rest.subarray(0, HEAD), isWhole && rest.length <= HEAD, label, options);
    // A table that was cut into pieces has its header in the first.
    const dialect = { ...found, ...(options.header === undefined && rows.headingFor(found, label)) };
    rows.begin({ ...dialect, label, fields: chooseFields(dialect, label, options) });
    return reader(dialect, label, rows);
  };
  for await (const chunk of toUtf8(chunks, label, options.encoding)) {
    rest = joined(rest, chunk);
    if (read === undefined && rest.length < HEAD) continue;
    read ??= begin(false);
    rest = rest.subarray(read(rest, false));
    const isSampled = taken >= SAMPLE;
    taken += chunk.length;
    if (size !== undefined && !isSampled && taken >= SAMPLE)
      rows.expect(before + Math.ceil(((rows.length - before) * MARGIN * size) / taken));
  }
  read ??= begin(true);
  read(rest, true);
}

/** A function that reads the records of a piece of the text, and returns where the first that is not whole begins. */
function reader(dialect: Dialect, label: string, rows: RatingRows): (bytes: Uint8Array, isLast: boolean) => number {
  const { kind, names, headerLine, hasSeparatorLine } = dialect;
  const scanner = new RecordScanner(kind === 'json' ? '\0' : dialect.delimiter);
  const width = kind === 'blocks' ? 3 : names.length;
  let { hasSizes } = dialect;
  let line = 1;
  let comments = 0;
  let headers = 0;
  let item = ''; // of the block

  const addRow = (bytes: Uint8Array, at: number, end: number): Fault | undefined => {
    const { starts, ends, count, fault } = scanner;
    const whole = () => scanner.text(bytes, at, end);
    if (fault !== undefined) return { reason: fault, value: whole() };
    const isTrailing = count === width + 1 && starts[width] === ends[width];
    if (count < width) return { reason: 'a field is missing', value: whole() };
    if (count > width && !isTrailing) return { reason: 'there are more fields than columns', value: whole() };
    return rows.add(bytes, starts, ends, line);
  };
  const cells = new Cells();
  const addCells = (values: readonly unknown[]) => rows.add(cells.write(values), cells.starts, cells.ends, line);
  const addObject = (bytes: Uint8Array, at: number, end: number): Fault | undefined => {
    const text = new TextDecoder().decode(bytes.subarray(at, end));
    const object = parseObject(text);
    if (object === undefined) return { reason: 'this is no JSON object', value: text };
    const values = names.map((name) => plainValue(object[name]));
    const { fields } = rows;
    for (const column of [fields.user, fields.item, fields.rating]) {
      const value = column === undefined ? undefined : values[column];
      if (typeof value === 'object' && value !== null)
        return { column: column!, reason: 'this is a list or an object, not one value', value: '' };
      if (column !== fields.rating && Number.isInteger(value) && !Number.isSafeInteger(value))
        return { column: column!, reason: 'a number above 2^53 is no id unless it is written as text', value: String(value) };
    }
    return addCells(values);
  };
  const addOfBlock = (bytes: Uint8Array, at: number, end: number): Fault | undefined => {
    const { starts, ends, count } = scanner;
    const text = scanner.text(bytes, at, end);
    const block = /^(\d+):\s*$/.exec(text);
    if (block) item = block[1];
    if (block) return undefined;
    if (count !== width) return { reason: 'this is neither user,rating,date nor the number of an item and a colon', value: text };
    return addCells([item, ...Array.from({ length: width }, (_, k) => scanner.text(bytes, starts[k], ends[k]))]);
  };

  const addRecord = { table: addRow, json: addObject, blocks: addOfBlock }[kind];
  // #7 is an id only where the ids are text anyway: the line #7,3,5 in a file of numbers is a row that was put aside.
  const mayBeRow = (bytes: Uint8Array, at: number) =>
    (dialect.isMarked || rows.holdsTextAt(0)) && !isComment(scanner.text(bytes, at, at + 2), true);

  return (bytes, isLast) => {
    let at = 0;
    while (at < bytes.length) {
      const next = scanner.next(bytes, at, bytes.length, isLast);
      if (next === -1) break;
      let end = next;
      while (end > at && (bytes[end - 1] === LF || bytes[end - 1] === CR)) end--;
      if (line !== headerLine && !(line === 1 && hasSeparatorLine) && !isBlank(bytes, at, end)) {
        const isMarked = kind === 'table' && (bytes[at] === 35 || bytes[at] === 37); // # and %
        if (isMarked && !mayBeRow(bytes, at)) comments++;
        else if (hasSizes && !isMarked) hasSizes = false;
        else {
          const fault = addRecord(bytes, at, end);
          if (fault !== undefined) {
            if (isMarked) comments++;
            else if (headerLine > 0 && isHeader(scanner, bytes, names)) headers++;
            else rows.reject(fault, line);
          }
        }
      }
      line += scanner.lineEnds;
      at = next;
    }
    if (bytes.length - at > MAX_LINE)
      throw new DataError('The line is longer than 2 MB; this is no table of ratings.', { file: label, line });
    if (isLast && comments > 0) {
      const lines =
        comments === 1
          ? 'a line that begins with # or % was passed over as a comment'
          : `${comments} lines that begin with # or % were passed over as comments`;
      rows.notes.push(`${label}: ${lines}.`);
    }
    if (isLast && headers > 0) rows.notes.push(`${label}: the header stands ${headers + 1} times; all are passed over.`);
    return at;
  };
}

/** The value in an object such as {"$oid": "5a"}, as MongoDB exports it; others as they are. */
function plainValue(value: unknown): unknown {
  let inner = value;
  while (typeof inner === 'object' && inner !== null) {
    const [[key, content] = ['', undefined], ...others] = Object.entries(inner);
    if (!key.startsWith('$') || others.length > 0) return value;
    inner = content;
  }
  return inner;
}

function isBlank(bytes: Uint8Array, at: number, end: number): boolean {
  for (let k = at; k < end; k++) if (bytes[k] !== 32) return false;
  return true;
}

/** Whether a record repeats the header, as where files were glued. */
function isHeader(scanner: RecordScanner, bytes: Uint8Array, names: readonly string[]): boolean {
  return scanner.count === names.length && names.every((name, k) => scanner.text(bytes, scanner.starts[k], scanner.ends[k]) === name);
}
