import { firstOf } from '../base/first-of.js';

/** Rows of the first block. */
const FIRST = 1 << 16;

/**
 * A column of numbers that grows block by block, each as long as all before, so that nothing is copied before its length is known; and
 * not then where one block holds all, see `expect`. Room that is not written takes no memory.
 */
export class Column<T extends Uint32Array | Float32Array | Float64Array> {
  readonly #Array: new (length: number) => T;
  /** All are full but the last. */
  #blocks: T[] = [];
  #last: T;
  /** Numbers in the last block, and in those before. */
  #used = 0;
  #before = 0;

  /** @param array the kind of array that holds the numbers */
  constructor(array: new (length: number) => T) {
    this.#Array = array;
    this.#last = new array(0);
  }

  get length(): number {
    return this.#before + this.#used;
  }

  push(value: number): void {
    if (this.#used === this.#last.length) this.#grow(Math.max(FIRST, this.length));
    this.#last[this.#used++] = value;
  }

  #grow(length: number): void {
    this.#before += this.#used;
    this.#used = 0;
    this.#last = new this.#Array(length);
    this.#blocks.push(this.#last);
  }

  /**
   * Makes one block of room for so many numbers in all, to be called before there are many; there may be more or fewer in the end. Where
   * there is no room for so many, all stays as it is: the number may be a guess.
   */
  expect(length: number): void {
    if (length <= this.length) return;
    let block: T;
    try {
      block = new this.#Array(length);
    } catch {
      return;
    }
    const n = copyBlocks(this.#blocks, this.length, block);
    this.clear();
    this.#blocks.push(block);
    this.#last = block;
    this.#used = n;
  }

  at(row: number): number {
    const [block, place] = this.#place(row);
    return block[place];
  }

  set(row: number, value: number): void {
    const [block, place] = this.#place(row);
    block[place] = value;
  }

  #place(row: number): [block: T, place: number] {
    let place = row;
    for (const block of this.#blocks) {
      if (place < block.length) return [block, place];
      place -= block.length;
    }
    throw new RangeError(`The column has no row ${row}.`);
  }

  /** Forgets all numbers. */
  clear(): void {
    this.#blocks = [];
    this.#last = new this.#Array(0);
    this.#before = this.#used = 0;
  }

  /** The numbers of the rows that are kept, by default all; these may share the column's memory. */
  toArray(isKept?: (row: number) => boolean): T {
    const n = this.length;
    if (isKept === undefined && this.#blocks.length === 1) return firstOf(this.#last, n);
    const array = new this.#Array(n);
    copyBlocks(this.#blocks, n, array);
    if (isKept === undefined) return array;
    let count = 0;
    for (let row = 0; row < n; row++) if (isKept(row)) array[count++] = array[row];
    return firstOf(array, count);
  }
}

/** Copies the first n numbers of the blocks; returns n. */
function copyBlocks<T extends Uint32Array | Float32Array | Float64Array>(blocks: readonly T[], n: number, to: T): number {
  let at = 0;
  for (const block of blocks) {
    to.set(block.subarray(0, n - at), at);
    at += block.length;
  }
  return n;
}
