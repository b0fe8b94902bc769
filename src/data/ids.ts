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

/** The ids of one side, users or items, and their table rows. */
export class IdMap {
  /** Id of each table row, [size]: `#na#`, then the training ids, each once, numbers by size and strings by code unit. */
  readonly ids: readonly Id[];
  #indexById: Map<Id, number> | undefined;

  /**
   * @param ids the id of each table row, `#na#` first
   * @throws DataError if the first is not `#na#`
   */
  constructor(ids: readonly Id[]) {
    if (ids[0] !== NA) throw new DataError(`The first id of an IdMap must be '${NA}', not ${show(ids[0])}.`, { value: ids[0] });
    this.ids = ids;
  }

  /** Table rows, `#na#` included. */
  get size(): number {
    return this.ids.length;
  }

  /** Table row of an id; 0 for an id that training never saw. '196' finds the number 196, and 196 finds the text '196'. */
  indexOf(id: Id): number {
    const indexById = (this.#indexById ??= new Map(this.ids.map((each, index) => [each, index])));
    return indexById.get(id) ?? indexById.get(otherForm(id)) ?? 0;
  }

  /** Whether training saw this id. */
  has(id: Id): boolean {
    return this.indexOf(id) !== 0;
  }

  /** Id of a table row. @throws RangeError for a row that does not exist */
  idOf(index: number): Id {
    const id = this.ids[index];
    if (id === undefined) throw new RangeError(`There is no table row ${index}: rows are 0 to ${this.size - 1}.`);
    return id;
  }
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
  ids: Id[];
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
  if (largest === undefined) return encodeByMap(column);
  // One look-up in a table per row, unless the table would be far larger than the column.
  if (largest < 4 * column.length + 65536) return encodeByTable(column as ArrayLike<number>, largest);
  return encodeByMap(column);
}

function encodeByTable(column: ArrayLike<number>, largest: number): Encoded {
  const codeOfId = new Uint32Array(largest + 1);
  for (let row = 0; row < column.length; row++) codeOfId[column[row]] = 1;
  const ids: number[] = [];
  for (let id = 0; id <= largest; id++) {
    if (codeOfId[id] === 1) codeOfId[id] = ids.push(id) - 1;
  }
  const codes = new Uint32Array(column.length);
  for (let row = 0; row < column.length; row++) codes[row] = codeOfId[column[row]];
  return { ids, codes };
}

function encodeByMap(column: ArrayLike<Id>): Encoded {
  const found: Id[] = [];
  const codeOfId = new Map<Id, number>();
  const codes = new Uint32Array(column.length);
  let sawNumber = false;
  let sawString = false;
  for (let row = 0; row < column.length; row++) {
    const id = column[row];
    let code = codeOfId.get(id);
    if (code === undefined) {
      code = found.push(id) - 1;
      codeOfId.set(id, code);
      if (typeof id === 'number') sawNumber = true;
      else sawString = true;
    }
    codes[row] = code;
  }
  if (sawNumber && sawString) return encodeByMap(Array.from(column, String));
  const ids = sawNumber ? Array.from(Float64Array.from(found as number[]).sort()) : [...found].sort();
  ids.forEach((id, code) => codeOfId.set(id, code));
  const sortedCode = Uint32Array.from(found, (id) => codeOfId.get(id)!);
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
