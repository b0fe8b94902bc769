import { createReadStream } from 'node:fs';
import { splitFields, type Dialect, type Reject } from './table-reader.js';

/** What is wrong with a row that was read. */
export interface BadRow {
  /** Its number among the rows that were read, from 0. */
  row: number;
  /** Position and name of the offending column. */
  position: number;
  column: string;
  reason: string;
}

/** A bad row or a rejected line, found again in the file. */
export interface Problem {
  /** From 1, header and blank lines counted. */
  line: number;
  column?: string;
  /** The offending field, or the line where there is no such field. */
  value: string;
  reason: string;
}

const LF = 10;
const CR = 13;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** Bytes of a record that are kept for the message. */
const KEPT = 4096;

/**
 * Finds the lines of the first `limit` bad rows and rejected lines by walking through the text once more. The reader
 * reports rows by number only; the walk counts what it counted: every line that is not blank, not the header and not
 * rejected, where a quoted field may run over several lines.
 *
 * @param badRows in the order of their row numbers
 * @param rejects in file order
 */
export async function locate(
  path: string,
  dialect: Dialect,
  badRows: readonly BadRow[],
  rejects: readonly Reject[],
  limit: number,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const wanted = Math.min(limit, badRows.length + rejects.length);
  let nextBad = 0;
  let nextReject = 0;
  let row = dialect.header ? -1 : 0;

  const onRecord = (line: number, end: number, text: () => string): void => {
    const isHeader = row === -1;
    const reject = rejects[nextReject];
    if (!isHeader && reject !== undefined && reject.at < end) {
      while (nextReject < rejects.length && rejects[nextReject].at < end) nextReject++;
      problems.push({ line, value: text(), reason: reject.reason });
      return;
    }
    if (badRows[nextBad]?.row === row) {
      const { column, position, reason } = badRows[nextBad++];
      const value = splitFields(text(), dialect.delimiter, dialect.quote)[position] ?? '';
      problems.push({ line, column, value, reason });
    }
    row++;
  };

  const walk = walker(dialect, onRecord);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    walk.push(chunk);
    if (problems.length >= wanted) break;
  }
  walk.finish();
  return problems.slice(0, wanted);
}

/** Splits bytes into records and counts lines. `onRecord` gets the first line, the offset of the end, and the text. */
function walker(
  { delimiter, quote }: Dialect,
  onRecord: (line: number, end: number, text: () => string) => void,
): { push(chunk: Buffer): void; finish(): void } {
  const quoteByte = quote === '' ? -1 : quote.charCodeAt(0);
  const delimiterByte = delimiter.charCodeAt(delimiter.length - 1);
  const kept = Buffer.alloc(KEPT); // the record's first bytes
  let length = 0;
  let offset = 0;
  let line = 1;
  let recordLine = 1;
  let previous = LF;
  let quoted = false;

  const text = (): string => kept.toString('utf8', 0, Math.min(length, KEPT));
  const finish = (): void => {
    if (length > 0) onRecord(recordLine, offset, text);
    length = 0;
  };
  const push = (chunk: Buffer): void => {
    for (const byte of chunk) {
      if (offset < BYTE_ORDER_MARK.length && byte === BYTE_ORDER_MARK[offset]) {
        offset++;
        continue;
      }
      const isBreak = byte === LF || byte === CR;
      if (isBreak && !quoted) finish();
      else {
        if (length === 0) recordLine = line + (previous === CR ? 1 : 0);
        if (byte === quoteByte) quoted = !quoted && (length === 0 || previous === delimiterByte || previous === quoteByte);
        if (length < KEPT) kept[length] = byte;
        length++;
      }
      // A break is counted at LF, or at a CR that no LF follows.
      if (byte === LF) line++;
      else if (previous === CR) line++;
      previous = byte;
      offset++;
    }
  };
  return { push, finish };
}
