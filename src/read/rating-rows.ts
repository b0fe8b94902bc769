import { clip } from '../base/check.js';
import { DataError } from '../base/errors.js';
import type { RatingColumns } from '../data/collab-data.js';
import { Column } from './column.js';
import { IdColumn } from './id-column.js';
import { parseNumber } from './number.js';
import { notesOnIds } from './odd-ids.js';
import type { ReadOptions } from './options.js';
import type { Fields, Table } from './roles.js';
import { parseTime } from './time.js';

/** A source of rows: a file or a stream. */
export interface Part extends Table {
  /** What messages call it. */
  label: string;
  fields: Fields;
}

/** What only the end of all pieces shows. */
export interface PiecesEnd {
  /** Which ids are text: those of earlier pieces that are numbers are then to be written as text. */
  isText: { users: boolean; items: boolean };
  /** Whether all ratings have a time; else those of earlier pieces do not count. */
  hasTimes: boolean;
  skippedExamples: string[];
}

/** What is wrong with a row or a line. */
export interface Fault {
  reason: string;
  /** The offending field, or the whole line if no single field is to blame. */
  value: string;
  /** Position of the column, if one is to blame. */
  column?: number | undefined;
}

/** Where a row stands, and what is wrong with it. */
interface BadRow extends Fault {
  part: Part;
  line: number;
}

/** Rows that follow those of the piece before, their ids as they were read: all numbers or all text in one piece. */
export type RatingPiece = RatingColumns & { ratings: Float32Array };

/** Rows of a piece. */
const PIECE = 1 << 18;
/** Ratings that are all so large are times in seconds. */
const TIMES = 1e8;

export const MAX_EXAMPLES = 5;
/** Ratings are kept as float32, where anything from 3.5e38 is infinite. */
const isFloat32 = (value: number): boolean => Number.isFinite(Math.fround(value));
/** How a note ends that says why the ratings of a file with a column of times have none. */
export const WITHOUT_TIMES = 'so the ratings are read without times.';
/** The user of ratings that are one person's. */
const NOBODY = new Uint8Array([48]); // '0'

/** The ratings of one run of files while they are read: columns that grow, malformed rows, and what is to be said. */
export class RatingRows {
  readonly users: IdColumn;
  readonly items: IdColumn;
  /** What was read in a way that its user may not expect, a sentence each. */
  readonly notes: string[] = [];
  /** Number of malformed rows left out. */
  skipped = 0;
  /** Titles by the text of the item, if they are one person's ratings and have a column of titles. */
  titles: Map<string, string> | undefined;
  readonly #options: ReadOptions;
  readonly #before: RatingRows | undefined;
  readonly #onPiece: ((piece: RatingPiece) => void) | undefined;
  readonly #range: readonly [number, number];
  readonly #ratings = new Column(Float32Array);
  readonly #times = new Column(Float64Array);
  /** Why the ratings have no times, undefined as long as they have. */
  #untimed: string | undefined;
  #part!: Part;
  #parts: Part[] = [];
  /** The first malformed rows that were left out. */
  readonly #examples: BadRow[] = [];
  /** The first rows with a negative id, which is malformed unless its column turns out to be text. */
  readonly #negative: Readonly<Record<'user' | 'item', BadRow[]>> = { user: [], item: [] };
  #unrated = 0;
  #least = Infinity;
  /** Rows of the pieces that were given away. */
  #given = 0;

  /**
   * @param before those of files that were read before, as the training ratings before those of validation
   * @param onPiece takes the rows, which are then not kept here: end with `finishPieces`. Default: they are, for `finish`
   */
  constructor(options: ReadOptions, before?: RatingRows, onPiece?: (piece: RatingPiece) => void) {
    this.#options = options;
    this.#before = before;
    this.#onPiece = onPiece;
    this.#range = options.ratingRange ?? [-Infinity, Infinity];
    this.users = new IdColumn(options.textIds === true);
    this.items = new IdColumn(options.textIds === true);
  }

  /** Number of rows. */
  get length(): number {
    return this.#ratings.length;
  }

  /** Makes room for so many rows in all. */
  expect(length: number): void {
    if (this.#onPiece !== undefined) return;
    for (const column of [this.users, this.items, this.#ratings, this.#times]) column.expect(length);
  }

  /** Whether the column at a position holds ids that are text. */
  holdsTextAt(column: number): boolean {
    const { user, item } = this.#part.fields;
    return (column === user && this.users.isText) || (column === item && this.items.isText);
  }

  /** Positions of the columns of the source. */
  get fields(): Fields {
    return this.#part.fields;
  }

  /**
   * The header of a table without one, if it goes on with a table that has one: the pieces of a file that was cut.
   * The first row of a piece without a header is a row.
   */
  headingFor({ header, names }: Table, label: string): Pick<Table, 'header' | 'names'> | undefined {
    if (header) return undefined;
    const known = this.#allParts().find((part) => part.header && part.names.length === names.length);
    if (known === undefined) return undefined;
    this.notes.push(`${label}: it has no header, and was read by that of ${known.label}.`);
    return { header: true, names: known.names };
  }

  #allParts(): Part[] {
    return this.#before === undefined ? this.#parts : [...this.#before.#allParts(), ...this.#parts];
  }

  /** Begins another source. @throws DataError if it has a header by which one without was read wrongly */
  begin(part: Part): void {
    const roles = ['user', 'item', 'rating'] as const;
    const other = this.#allParts().find((each) => !each.header && each.names.length === part.names.length);
    if (part.header && other !== undefined && roles.some((role) => other.fields[role] !== part.fields[role])) {
      const problem = `Its header names other columns than were taken by position in ${other.label}, which has none`;
      throw new DataError(`${problem}; name this file first, or say by position which columns to take.`, { file: part.label });
    }
    this.#part = part;
    this.#parts.push(part);
    if (part.fields.note !== undefined) this.notes.push(part.fields.note);
    // A column that nobody named may hold anything, and is then no time.
    if (part.fields.time === undefined) this.#untimed ??= '';
    if (part.fields.title !== undefined && this.#options.onePerson) this.titles ??= new Map();
  }

  /** Adds the row whose fields are given by where they begin and end; says what is wrong if it cannot. */
  add(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, line: number): Fault | undefined {
    const { user, item, rating, time, title, year } = this.#part.fields;
    // All else is checked before the ids are taken, which may make their column text.
    if (user !== undefined && starts[user] === ends[user]) return { column: user, reason: 'the user is missing', value: '' };
    if (starts[item] === ends[item]) return { column: item, reason: 'the item is missing', value: '' };
    let value = parseNumber(bytes, starts[rating], ends[rating]);
    if (Number.isNaN(value)) value = decimalComma(textOf(bytes, starts[rating], ends[rating]));
    const [lo, hi] = this.#range;
    if (!(value >= lo && value <= hi && isFloat32(value))) {
      const text = textOf(bytes, starts[rating], ends[rating]);
      return { column: rating, reason: this.#ratingFault(value, text), value: text };
    }
    if (this.#isUnrated(value)) return undefined;
    let seconds = 0;
    if (time !== undefined && this.#untimed === undefined) {
      seconds = parseNumber(bytes, starts[time], ends[time]);
      if (Number.isNaN(seconds)) {
        const text = textOf(bytes, starts[time], ends[time]);
        seconds = parseTime(text);
        const reason = Number.isNaN(seconds) ? this.#timeFault(text, line) : undefined;
        if (reason !== undefined) return { column: time, reason, value: text };
      }
    }
    const userFault = user === undefined ? this.users.take(NOBODY, 0, 1) : this.users.take(bytes, starts[user], ends[user]);
    if (userFault !== undefined) return { column: user, reason: `the user ${userFault}`, value: textOf(bytes, starts[user!], ends[user!]) };
    const dated = title === undefined && year !== undefined && starts[year] < ends[year];
    const name = dated ? new TextEncoder().encode(titled(bytes, starts, ends, item, year)) : undefined;
    const itemFault = name ? this.items.take(name, 0, name.length) : this.items.take(bytes, starts[item], ends[item]);
    if (itemFault !== undefined) return { column: item, reason: `the item ${itemFault}`, value: textOf(bytes, starts[item], ends[item]) };
    this.#push(value, seconds, line);
    if (this.titles !== undefined && title !== undefined && starts[title] < ends[title]) {
      this.titles.set(textOf(bytes, starts[item], ends[item]), titled(bytes, starts, ends, title, year));
    }
    return undefined;
  }

  /** Leaves a malformed row out, or throws. */
  reject(fault: Fault, line: number): void {
    const bad = { ...fault, part: this.#part, line };
    // An earlier row with a negative id comes first, unless its column may still turn out to be text.
    if (this.#options.skipBadRows !== true) throw errorOf(this.#negativeRows()[0] ?? bad);
    this.skipped++;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(bad);
  }

  /** The ratings. @throws DataError if none is left, or a column of numbers holds a negative id */
  finish(): { columns: RatingColumns; skippedExamples: string[] } {
    const isPositive = (row: number): boolean => !this.users.isNegative(row) && !this.items.isNegative(row);
    const isKept = this.#refuseNegative() ? isPositive : undefined;
    const ratings = this.#ratings.toArray(isKept);
    this.skipped += this.#ratings.length - ratings.length;
    const skippedExamples = this.#conclude(ratings.length);
    this.notes.push(...notesOnIds(this.users.texts, 'user'), ...notesOnIds(this.items.texts, 'item'));
    const columns: RatingColumns = {
      users: this.users.toArray(isKept),
      items: this.items.toArray(isKept),
      ratings,
      ...(this.#untimed === undefined && { timestamps: this.#times.toArray(isKept) }),
    };
    return { columns, skippedExamples };
  }

  /**
   * Gives the last piece away, and says what only the end shows. Notes on ids are for who has the pieces.
   *
   * @param dropNegative leaves out the rows of all pieces with a negative id of a side that is no text; resolves to how many are left
   * @throws DataError as `finish`
   */
  async finishPieces(dropNegative: (isText: { users: boolean; items: boolean }) => Promise<number>): Promise<PiecesEnd> {
    let n = this.#given + this.length;
    this.#givePiece();
    const isText = { users: this.users.isText, items: this.items.isText };
    if (this.#refuseNegative()) {
      const nLeft = await dropNegative(isText);
      this.skipped += n - nLeft;
      n = nLeft;
    }
    return { isText, hasTimes: this.#untimed === undefined, skippedExamples: this.#conclude(n) };
  }

  #givePiece(): void {
    if (this.length > 0) {
      const timestamps = this.#untimed === undefined ? { timestamps: this.#times.toArray() } : {};
      this.#onPiece!({ users: this.users.toArray(), items: this.items.toArray(), ratings: this.#ratings.toArray(), ...timestamps });
    }
    this.#given += this.length;
    for (const column of [this.users, this.items, this.#ratings, this.#times]) column.clear();
  }

  /** Whether rows with a negative id are to be left out. @throws DataError if there are such, and they are not */
  #refuseNegative(): boolean {
    const negative = this.#negativeRows();
    if (negative.length > 0 && this.#options.skipBadRows !== true) throw errorOf(negative[0]);
    return negative.length > 0;
  }

  /** Says what is to be said at the end; returns the examples of rows that were left out. @throws DataError if `n`, those left, is 0 */
  #conclude(n: number): string[] {
    const skippedExamples = this.#inOrder([...this.#examples, ...this.#negativeRows()])
      .slice(0, MAX_EXAMPLES)
      .map((bad) => errorOf(bad).message);
    const file = this.#parts.map(({ label }) => label).join(', ');
    if (n === 0) {
      const none = this.#unrated > 0 ? 'All ratings in it are 0, which stands for none there.' : 'There are no ratings in it.';
      const all = `No row is left: all ${this.skipped} are malformed, the first: ${skippedExamples[0]}`;
      throw new DataError(this.skipped > 0 ? all : none, { file });
    }
    if (this.#unrated > 0) {
      const rows = this.#unrated === 1 ? 'A row' : `${this.#unrated} rows`;
      this.notes.push(`${rows} with the rating 0, which stands for none in such a file, ${this.#unrated === 1 ? 'was' : 'were'} left out.`);
    }
    if (this.#untimed) this.notes.push(this.#untimed);
    if (this.#parts.some(({ fields }) => fields.ratingByPosition) && this.#least >= TIMES) {
      throw new DataError('The third column holds times rather than ratings; say which column the ratings are with ratingColumn.', {
        file,
      });
    }
    return skippedExamples;
  }

  #ratingFault(value: number, text: string): string {
    if (text === '') return 'the rating is missing';
    if (!isFloat32(value)) return 'the rating is not a finite number';
    const [lo, hi] = this.#range;
    return `the rating is not in ${lo} to ${hi}`;
  }

  /** Goodreads exports shelves: a book without a rating has the rating 0. */
  #isUnrated(value: number): boolean {
    const isNone = value === 0 && this.#part.header && /^my rating$/i.test(this.#part.names[this.#part.fields.rating].trim());
    if (isNone) this.#unrated++;
    return isNone;
  }

  /** Only who named the column needs each time; else the ratings have no times from here on. */
  #timeFault(text: string, line: number): string | undefined {
    const reason = text === '' ? 'the timestamp is missing' : 'the timestamp is not a number or a date';
    const { label, fields, names } = this.#part;
    if (fields.timeFound === 'chosen') return reason;
    const value = text === '' ? '' : `: '${clip(text)}'`;
    const why = `${label}:${line}: column ${names[fields.time!]}: ${reason}${value}, ${WITHOUT_TIMES}`;
    this.#untimed = fields.timeFound === 'named' ? why : '';
    return undefined;
  }

  #push(rating: number, seconds: number, line: number): void {
    const { users, items } = this;
    const { user, item } = this.#part.fields;
    if (users.takenIsNegative) this.#noteNegative('user', user, users.taken, line);
    if (items.takenIsNegative) this.#noteNegative('item', item, items.taken, line);
    users.push();
    items.push();
    this.#ratings.push(rating);
    if (this.#untimed === undefined) this.#times.push(seconds);
    if (rating < this.#least) this.#least = rating;
    if (this.#onPiece !== undefined && this.length === PIECE) this.#givePiece();
  }

  #noteNegative(what: 'user' | 'item', column: number | undefined, id: number, line: number): void {
    const rows = this.#negative[what];
    if (rows.length === MAX_EXAMPLES) return;
    rows.push({ part: this.#part, line, column, reason: `the ${what} is negative`, value: String(id) });
  }

  /** The first rows with a negative id in a column of numbers, each row once. */
  #negativeRows(): BadRow[] {
    const rows = [...(this.users.isText ? [] : this.#negative.user), ...(this.items.isText ? [] : this.#negative.item)];
    return this.#inOrder(rows).filter(({ part, line }, k, all) => part !== all[k - 1]?.part || line !== all[k - 1]?.line);
  }

  #inOrder(rows: readonly BadRow[]): BadRow[] {
    const place = ({ part, line }: BadRow) => this.#parts.indexOf(part) * 1e12 + line;
    return rows.toSorted((a, b) => place(a) - place(b));
  }
}

/** A title with its year behind it, which tells films of one name apart; a title that has one stays as it is. */
function titled(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, title: number, year: number | undefined): string {
  const text = textOf(bytes, starts[title], ends[title]);
  const when = year === undefined ? '' : textOf(bytes, starts[year], ends[year]).trim();
  return /^\d{4}$/.test(when) && !/\(\d{4}\)\s*$/.test(text) ? `${text} (${when})` : text;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(bytes.subarray(start, end));
}

/** 3,5 where a comma does not separate fields; a longer fraction may be a thousand, and is no number. */
function decimalComma(text: string): number {
  return /^\s*[+-]?\d+,\d{1,2}\s*$/.test(text) ? Number(text.replace(',', '.')) : NaN;
}

function errorOf({ part, line, column, reason, value }: BadRow): DataError {
  const name = column === undefined ? undefined : part.names[column];
  const where = name === undefined ? '' : part.header ? `column ${name}: ` : `column ${name} (from 0): `;
  return new DataError(`${where}${reason}${value === '' ? '' : `: '${clip(value)}'`}.`, {
    file: part.label,
    line,
    value,
    ...(name !== undefined && { column: name }),
  });
}
