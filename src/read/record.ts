/**
 * Splits bytes into records and their fields: one loop over the bytes, which makes no strings. Lines end with LF, CRLF or
 * CR, mixed as they like.
 */
import { quotesStrictly } from './dialect.js';

const LF = 10;
const CR = 13;
const QUOTE = 34;
const SPACE = 32;
const TAB = 9;

/** The longest line, and the longest field over several lines. */
export const MAX_LINE = 1 << 21;

export class RecordScanner {
  /** Number of fields of the last record, and where each begins and ends in `bytes`; quotes around a field are left out. */
  count = 0;
  starts = new Int32Array(32);
  ends = new Int32Array(32);
  /** What is wrong with the last record, if it cannot be split. */
  fault: string | undefined;
  /** Line ends within and after the last record. */
  lineEnds = 0;
  readonly #delimiter: Uint8Array;
  readonly #isSpaced: boolean;
  readonly #isStrict: boolean;
  /** Whether fields of the record hold quotes written twice. */
  #hasTwice = false;

  constructor(delimiter: string) {
    this.#delimiter = new TextEncoder().encode(delimiter);
    this.#isSpaced = delimiter === ' ';
    this.#isStrict = quotesStrictly(delimiter);
  }

  /**
   * Splits the record that begins at `at`.
   *
   * @param end where the bytes end
   * @param isLast whether nothing follows these bytes
   * @returns where the next record begins; -1 if more bytes are needed
   */
  next(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    this.count = 0;
    this.lineEnds = 0;
    this.fault = undefined;
    this.#hasTwice = false;
    if (this.#isSpaced) return this.#spaced(bytes, at, end, isLast);
    const first = this.#delimiter[0];
    const size = this.#delimiter.length;
    let start = at;
    for (let k = at; k < end; k++) {
      const byte = bytes[k];
      if (byte === first && (size === 1 || this.#isDelimiter(bytes, k))) {
        this.#push(start, k);
        k += size - 1;
        start = k + 1;
      } else if (byte === LF || byte === CR) {
        this.#push(start, k);
        return this.#lineEnd(bytes, k, end, isLast);
      } else if (byte === QUOTE && k === start) {
        const close = this.#closing(bytes, k + 1, end, isLast);
        if (close === -1) return -1;
        if (close === -2) {
          if (!this.#isStrict) continue; // the quote is text
          return this.#broken(bytes, at, end, isLast);
        }
        this.#push(k + 1, close);
        k = close + 1;
        if (k >= end) return isLast ? this.#whole(bytes, end) : -1;
        if (bytes[k] === LF || bytes[k] === CR) return this.#lineEnd(bytes, k, end, isLast);
        k += size - 1;
        start = k + 1;
        // A delimiter that ends the text is followed by an empty field, which the last lines add.
      }
    }
    if (!isLast) return -1;
    this.#push(start, end);
    return this.#whole(bytes, end);
  }

  /** The text from `start` to `end`, for a message. */
  text(bytes: Uint8Array, start: number, end: number): string {
    return new TextDecoder().decode(bytes.subarray(start, Math.min(end, start + 4096)));
  }

  #push(start: number, end: number): void {
    if (this.count === this.starts.length) {
      const grow = (array: Int32Array): Int32Array<ArrayBuffer> => {
        const larger = new Int32Array(2 * array.length);
        larger.set(array);
        return larger;
      };
      this.starts = grow(this.starts) as Int32Array<ArrayBuffer>;
      this.ends = grow(this.ends) as Int32Array<ArrayBuffer>;
    }
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  #isDelimiter(bytes: Uint8Array, at: number): boolean {
    for (let k = 1; k < this.#delimiter.length; k++) if (bytes[at + k] !== this.#delimiter[k]) return false;
    return true;
  }

  /** Passes over the line end at `at`. */
  #lineEnd(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    if (bytes[at] === CR && at + 1 === end && !isLast) return -1; // an LF may follow
    this.lineEnds++;
    return this.#whole(bytes, at + (bytes[at] === CR && bytes[at + 1] === LF && at + 1 < end ? 2 : 1));
  }

  /** Ends a record. Quotes written twice become one, in place: the field is moved towards its start. */
  #whole(bytes: Uint8Array, next: number): number {
    for (let field = 0; this.#hasTwice && field < this.count; field++) {
      let to = this.starts[field];
      for (let from = to; from < this.ends[field]; from++) {
        bytes[to++] = bytes[from];
        if (bytes[from] === QUOTE && bytes[from + 1] === QUOTE && from + 1 < this.ends[field]) from++;
      }
      this.ends[field] = to;
    }
    return next;
  }

  /**
   * Where a quoted field ends: at the quote before a delimiter, a line end or the end of the text. -1 if more bytes are
   * needed, -2 if there is no such quote.
   */
  #closing(bytes: Uint8Array, from: number, end: number, isLast: boolean): number {
    let lineEnds = 0;
    let hasTwice = false;
    for (let k = from; k < end && k - from < MAX_LINE; k++) {
      if (bytes[k] === LF || bytes[k] === CR) {
        if (!this.#isStrict) return -2;
        if (bytes[k] === LF || bytes[k + 1] !== LF) lineEnds++;
      }
      if (bytes[k] !== QUOTE) continue;
      if (k + 1 === end) return isLast ? this.#close(k, lineEnds, hasTwice) : -1;
      if (bytes[k + 1] === QUOTE) {
        hasTwice = true;
        k++;
        continue;
      }
      if (k + this.#delimiter.length >= end && !isLast && bytes[k + 1] === this.#delimiter[0]) return -1; // the delimiter may go on
      const ends = bytes[k + 1] === LF || bytes[k + 1] === CR || (bytes[k + 1] === this.#delimiter[0] && this.#isDelimiter(bytes, k + 1));
      return ends ? this.#close(k, lineEnds, hasTwice) : -2;
    }
    return isLast || end - from >= MAX_LINE ? -2 : -1;
  }

  #close(at: number, lineEnds: number, hasTwice: boolean): number {
    this.lineEnds += lineEnds;
    this.#hasTwice ||= hasTwice;
    return at;
  }

  /** A record with a quoted field that does not end well: only its first line is given up. */
  #broken(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    this.fault = 'a quoted field does not end where it should';
    this.lineEnds = 0;
    this.#hasTwice = false;
    for (let k = at; k < end; k++) if (bytes[k] === LF || bytes[k] === CR) return this.#lineEnd(bytes, k, end, isLast);
    return isLast ? end : -1;
  }

  /** Fields separated by runs of spaces and tabs, which may stand at both ends of the line too. */
  #spaced(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    let start = -1;
    for (let k = at; k < end; k++) {
      const byte = bytes[k];
      const isEnd = byte === LF || byte === CR;
      if (start === -1) {
        if (byte === QUOTE) {
          const close = this.#closing(bytes, k + 1, end, isLast);
          if (close === -1) return -1;
          if (close !== -2) {
            this.#push(k + 1, close);
            k = close;
            continue;
          }
        }
        if (byte !== SPACE && byte !== TAB && !isEnd) start = k;
      } else if (byte === SPACE || byte === TAB || isEnd) {
        this.#push(start, k);
        start = -1;
      }
      if (isEnd) {
        if (this.count === 0) this.#push(k, k);
        return this.#lineEnd(bytes, k, end, isLast);
      }
    }
    if (!isLast) return -1;
    if (start !== -1 || this.count === 0) this.#push(start === -1 ? end : start, end);
    return this.#whole(bytes, end);
  }
}
