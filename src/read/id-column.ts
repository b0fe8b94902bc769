import type { Id } from '../data/ids.js';
import { Column } from './column.js';
import { TextTable } from './text-table.js';

/**
 * A column of ids while it is read. It holds numbers as long as every field is the canonical text of its number (`7`, not
 * `007`, `+7`, `7.0` or `7 `), so that no two texts become one id; the first other field makes the whole column text, since
 * a canonical number gives its text back.
 */
export class IdColumn {
  /** The ids, or their codes in `#table`: as u32 as long as all fit. */
  #values: Column<Uint32Array> | Column<Float64Array> = new Column(Uint32Array);
  #isWide = false;
  #next = 0;
  #table: TextTable | undefined;

  constructor(isText: boolean) {
    if (isText) this.toText();
  }

  get isText(): boolean {
    return this.#table !== undefined;
  }

  /** The texts of a column of text, each once; undefined for a column of numbers. */
  get texts(): readonly string[] | undefined {
    return this.#table?.texts;
  }

  /** Takes the field from `start` to `end` for the next id; says what is wrong if it cannot be one. */
  take(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (start === end) return 'is missing';
    if (this.#table === undefined) {
      const number = canonical(bytes, start, end);
      if (!Number.isNaN(number)) {
        this.#next = number;
        return undefined;
      }
    }
    const code = this.toText().code(bytes, start, end);
    if (code === -1) return "is not UTF-8 text (for Latin-1 pass encoding: 'latin1')";
    this.#next = code;
    return undefined;
  }

  /** Whether the id that was taken is a negative number, which only a column of text may hold. */
  get takenIsNegative(): boolean {
    return this.#table === undefined && this.#next < 0;
  }

  /** The number that was taken. */
  get taken(): number {
    return this.#next;
  }

  /** Adds the id that was taken. */
  push(): void {
    if (!this.#isWide && this.#next !== this.#next >>> 0) this.#widen();
    this.#values.push(this.#next);
  }

  #widen(): void {
    const narrow = this.#values;
    const wide = new Column(Float64Array);
    wide.expect(2 * narrow.length);
    for (let row = 0; row < narrow.length; row++) wide.push(narrow.at(row));
    this.#values = wide;
    this.#isWide = true;
  }

  /** See `Column.expect`. */
  expect(length: number): void {
    this.#values.expect(length);
  }

  /** Makes the column text. */
  toText(): TextTable {
    if (this.#table === undefined) {
      this.#table = new TextTable();
      const values = this.#values;
      for (let row = 0; row < values.length; row++) values.set(row, this.#table.codeOf(String(values.at(row))));
    }
    return this.#table;
  }

  /** Forgets all ids, but not whether they were text. */
  clear(): void {
    this.#values.clear();
    if (this.#table !== undefined) this.#table = new TextTable();
  }

  /** The ids of the rows that are kept, by default all: all numbers or all text. */
  toArray(isKept?: (row: number) => boolean): ArrayLike<Id> {
    const values = this.#values.toArray(isKept);
    const texts = this.#table?.texts;
    return texts === undefined ? values : Array.from(values, (code) => texts[code]);
  }

  /** Whether row `row` of a column of numbers is negative. */
  isNegative(row: number): boolean {
    return this.#table === undefined && this.#values.at(row) < 0;
  }
}

/** The whole number of which the field is the canonical text, else NaN. */
function canonical(bytes: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size <= 15 && (bytes[start] !== 48 || size === 1)) {
    let value = 0;
    let at = start;
    for (; at < end; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) break;
      value = 10 * value + digit;
    }
    if (at === end) return value;
  }
  if (size > 17 || (bytes[start] !== 45 && size < 16)) return NaN;
  const text = String.fromCharCode(...bytes.subarray(start, end));
  return isCanonical(text) ? Number(text) : NaN;
}

/** Whether a text is what `String` gives for a whole number below 2^53. */
export function isCanonical(text: string): boolean {
  return /^(0|-?[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text));
}
