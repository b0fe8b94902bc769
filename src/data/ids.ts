/** Ids of users and items, and the table row of each. */
import { show } from '../base/check.js';
import { DataError } from '../base/errors.js';

/** A user or an item as the outside world calls it: a non-negative integer below 2^53, or a non-empty string. */
export type Id = string | number;

/** Stands for every id that training never saw: row 0 of each table, as in fastai. */
export const NA = '#na#';

/** Whether `value` can be an id, `#na#` aside. */
export function isId(value: unknown): value is Id {
  return typeof value === 'string' ? value !== '' : Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Ids without `#na#`, all numbers or all texts. */
export type IdColumn = Float64Array | readonly string[];

/** Up to so many texts a Map finds rows, several times faster than a search does; it takes some 60 bytes for each, and ends at 2^24. */
const MAX_MAPPED = 2 ** 20;

/**
 * The ids of one side, users or items, and their table rows: row 0 is `#na#`, then come the training ids, each once, numbers by size
 * and strings by code unit, or in the order of an imported table. Numbers take 8 bytes each, consecutive ones none.
 */
export class IdMap {
  /** Table rows, `#na#` included. */
  readonly size: number;
  /** The ids of rows 1, 2 and so on; undefined where they are `#first`, `#first` + 1 and so on. */
  readonly #column: IdColumn | undefined;
  readonly #first: number = 0;
  #ids: readonly Id[] | undefined;
  #rowOfText: Map<string, number> | undefined;
  /** Places in the column by ascending id; undefined if the column ascends itself, null before anybody looked. */
  #order: Uint32Array | undefined | null = null;

  /**
   * @param ids the id of each table row, `#na#` first; or those of row 1 on, as Float64Array
   * @throws DataError if a list does not begin with `#na#`, or mixes numbers and texts
   */
  constructor(ids: readonly Id[] | Float64Array) {
    const column = ids instanceof Float64Array ? ids : columnOf(ids);
    this.size = column.length + 1;
    if (isRun(column)) this.#first = column[0];
    else this.#column = column;
  }

  /** Id of each table row, [size]. A list that is made when it is asked for, and kept: of many millions, ask `idOf` for some. */
  get ids(): readonly Id[] {
    return (this.#ids ??= Array.from({ length: this.size }, (_, row) => this.idOf(row)));
  }

  /** Whether ids are texts, not numbers. */
  get isText(): boolean {
    return this.size > 1 && typeof this.idOf(1) === 'string';
  }

  /** Table row of an id; 0 for an id that training never saw. '196' finds the number 196, and 196 finds the text '196'. */
  indexOf(id: Id): number {
    const column = this.#column;
    if (column === undefined) {
      const place = numberOf(id) - this.#first;
      return place >= 0 && place < this.size - 1 && Number.isInteger(place) ? place + 1 : 0;
    }
    if (column instanceof Float64Array) return 1 + this.#search(column, numberOf(id));
    if (typeof id !== 'string' && typeof id !== 'number') return 0;
    const text = String(id);
    if (column.length > MAX_MAPPED) return 1 + this.#search(column, text);
    this.#rowOfText ??= new Map(column.map((each, place) => [each, place + 1]));
    return this.#rowOfText.get(text) ?? 0;
  }

  /** The place of an id in the column, -1 if it is not there. */
  #search<T extends Id>(column: ArrayLike<T>, id: T): number {
    if (this.#order === null) this.#order = ascends(column) ? undefined : orderOf(column);
    const order = this.#order;
    const k = search(column, id, order);
    return k < 0 || order === undefined ? k : order[k];
  }

  /** Whether training saw this id. */
  has(id: Id): boolean {
    return this.indexOf(id) !== 0;
  }

  /** Id of a table row. @throws RangeError for a row that does not exist */
  idOf(index: number): Id {
    if (!(Number.isInteger(index) && index >= 0 && index < this.size)) {
      throw new RangeError(`There is no table row ${index}: rows are 0 to ${this.size - 1}.`);
    }
    if (index === 0) return NA;
    return this.#column === undefined ? this.#first + index - 1 : this.#column[index - 1];
  }
}

/** The ids of a list after its `#na#`. */
function columnOf(ids: readonly Id[]): IdColumn {
  if (ids[0] !== NA) throw new DataError(`The first id of an IdMap must be '${NA}', not ${show(ids[0])}.`, { value: ids[0] });
  const type = typeof (ids[1] ?? '');
  const other = ids.findIndex((id) => typeof id !== type && id !== NA);
  if (other > 0) {
    throw new DataError(`The ids of an IdMap are ${type}s, but that of row ${other} is ${show(ids[other])}.`, { value: ids[other] });
  }
  return type === 'number' ? Float64Array.from(ids.slice(1) as number[]) : (ids.slice(1) as string[]);
}

/** Whether ids are whole numbers one after the other. */
function isRun(column: IdColumn): column is Float64Array {
  return column instanceof Float64Array && Number.isSafeInteger(column[0]) && column.every((id, k) => id === column[0] + k);
}

/** The number that an id is, or that its text writes as numbers are written; else NaN. */
function numberOf(id: Id): number {
  const number = typeof id === 'number' ? id : otherForm(id);
  return typeof number === 'number' ? number : NaN;
}

/** Whether each value is above the one before. */
export function ascends(list: ArrayLike<Id>): boolean {
  for (let k = 1; k < list.length; k++) if (!(list[k - 1] < list[k])) return false;
  return true;
}

function orderOf<T extends Id>(column: ArrayLike<T>): Uint32Array {
  return Uint32Array.from({ length: column.length }, (_, k) => k).sort((a, b) => (column[a] < column[b] ? -1 : 1));
}

/** The place of a value among ascending ones, in a column or in the `order` that makes it ascend; -1 if it is not there. */
function search<T extends Id>(column: ArrayLike<T>, value: T, order?: Uint32Array): number {
  let low = 0;
  let high = column.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = column[order === undefined ? middle : order[middle]];
    if (found < value) low = middle + 1;
    else if (found > value) high = middle - 1;
    else return found === value ? middle : -1; // not a number is neither below nor above
  }
  return -1;
}

/** 196 for '196', '196' for 196; the id itself if there is no other way to write it. */
export function otherForm(id: Id): Id {
  if (typeof id === 'number') return String(id);
  return String(Number(id)) === id ? Number(id) : id;
}

/** Title of an item by its id, as a number or as text. */
export function titleOf(titles: ReadonlyMap<Id, string> | undefined, item: Id): string | undefined {
  return titles?.get(item) ?? titles?.get(otherForm(item));
}

/** A column of ids as codes: `ids[codes[row]]` is the id of a row. */
export interface Encoded {
  /** Each id once, sorted: numbers by size, strings by code unit. */
  ids: IdColumn;
  codes: Uint32Array;
}

/**
 * Encodes a column of users or items. A column that mixes numbers and strings is read as strings.
 *
 * @param name what the column holds, for the message
 * @throws DataError for a value that is not an id
 */
export function encode(column: ArrayLike<Id>, name: 'user' | 'item'): Encoded {
  const largest = checkIds(column, name);
  if (largest === undefined) return encodeTexts(column);
  // One look-up in a table per row, unless the table would be far larger than the column.
  if (largest < 4 * column.length + 65536) return encodeByTable(column as ArrayLike<number>, largest);
  return encodeBySearch(column as ArrayLike<number>);
}

function encodeByTable(column: ArrayLike<number>, largest: number): Encoded {
  const codeOfId = new Uint32Array(largest + 1);
  let nIds = 0;
  for (let row = 0; row < column.length; row++) {
    nIds += 1 - codeOfId[column[row]];
    codeOfId[column[row]] = 1;
  }
  const ids = new Float64Array(nIds);
  for (let id = 0, code = 0; id <= largest; id++) {
    if (codeOfId[id] === 0) continue;
    ids[code] = id;
    codeOfId[id] = code++;
  }
  const codes = new Uint32Array(column.length);
  for (let row = 0; row < column.length; row++) codes[row] = codeOfId[column[row]];
  return { ids, codes };
}

/** Sorting and searching are ten times as fast as a Map of ten million numbers, and take a fraction of its memory. */
function encodeBySearch(column: ArrayLike<number>): Encoded {
  const sorted = Float64Array.from(column).sort();
  let nIds = 0;
  for (let k = 0; k < sorted.length; k++) if (k === 0 || sorted[k] !== sorted[k - 1]) sorted[nIds++] = sorted[k];
  const ids = sorted.slice(0, nIds);
  const codes = new Uint32Array(column.length);
  for (let row = 0; row < column.length; row++) codes[row] = search(ids, column[row]);
  return { ids, codes };
}

/** @param mapEnd entries that a Map may have: V8's end at 2^24 */
export function encodeTexts(column: ArrayLike<Id>, mapEnd = 2 ** 24): Encoded {
  const found: string[] = [];
  const codeOfText: Map<string, number>[] = [new Map()];
  const codes = new Uint32Array(column.length);
  for (let row = 0; row < column.length; row++) {
    const text = String(column[row]);
    let code: number | undefined;
    for (let m = 0; m < codeOfText.length && code === undefined; m++) code = codeOfText[m].get(text);
    if (code === undefined) {
      code = found.push(text) - 1;
      if (codeOfText.at(-1)!.size === mapEnd) codeOfText.push(new Map());
      codeOfText.at(-1)!.set(text, code);
    }
    codes[row] = code;
  }
  const ids = found.slice().sort();
  const sortedCode = new Uint32Array(found.length);
  ids.forEach((text, code) => {
    for (const map of codeOfText) {
      const was = map.get(text);
      if (was === undefined) continue;
      sortedCode[was] = code;
      return;
    }
  });
  for (let row = 0; row < codes.length; row++) codes[row] = sortedCode[codes[row]];
  return { ids, codes };
}

/** Checks every id; returns the largest, or undefined if some id is a string. */
function checkIds(column: ArrayLike<Id>, name: 'user' | 'item'): number | undefined {
  let largest = 0;
  let allNumbers = true;
  for (let row = 0; row < column.length; row++) {
    const id = column[row];
    if (isId(id) && id !== NA) {
      if (typeof id === 'string') allNumbers = false;
      else if (id > largest) largest = id;
    } else {
      const problem = id === NA ? ', which is reserved for unseen ids' : ', not an integer from 0 to 2^53 - 1 or a non-empty string';
      throw new DataError(`The ${name} in row ${row} is ${show(id)}${problem}.`, { column: name, value: id });
    }
  }
  return allNumbers ? largest : undefined;
}
