import { createReadStream } from 'node:fs';
import { splitFields, type Dialect, type Reject } from './table-reader.js';

/** A row that was read and cannot be used. */
export interface BadRow {
  /** Its number among the rows that were read, from 0. */
  row: number;
  /** Position and name of the offending column. */
  position: number;
  column: string;
  reason: string;
}

/** A bad row or a rejected line, with its place in the file. */
export interface Problem {
  /** From 1; the header and blank lines count. */
  line: number;
  column?: string | undefined;
  /** The offending field, or the whole line if no single field is to blame. */
  value: string;
  reason: string;
}

const LF = 10;
const CR = 13;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** Bytes of a record that are kept, to be quoted in a message. */
const KEPT = 4096;

/**
 * Finds the lines of the first `limit` bad rows and rejected lines by reading the text once more. The table reader gives
 * rows by number only; here rows are counted as it counted them, which is every line that is not blank, not the header and
 * not rejected. A quoted field may run over several lines.
 *
 * @param badRows in the order of their row numbers
 * @param rejects in the order of the file
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

/** Splits bytes into records and counts lines. `onRecord` gets a record's first line, the offset of its end, and its text. */
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
