const BITS = 16;
const BLOCK = 1 << BITS;

/** A column of numbers that grows block by block, so that nothing is copied before its length is known. */
export class Column<T extends Float32Array | Float64Array> {
  readonly #Array: new (length: number) => T;
  readonly #blocks: T[] = [];
  length = 0;

  /** @param array the kind of array that holds the numbers */
  constructor(array: new (length: number) => T) {
    this.#Array = array;
  }

  push(value: number): void {
    const at = this.length & (BLOCK - 1);
    if (at === 0) this.#blocks.push(new this.#Array(BLOCK));
    this.#blocks[this.length >>> BITS][at] = value;
    this.length++;
  }

  at(row: number): number {
    return this.#blocks[row >>> BITS][row & (BLOCK - 1)];
  }

  set(row: number, value: number): void {
    this.#blocks[row >>> BITS][row & (BLOCK - 1)] = value;
  }

  /** Forgets all numbers. */
  clear(): void {
    this.#blocks.length = 0;
    this.length = 0;
  }

  /** The numbers of the rows that are kept, by default all. */
  toArray(isKept?: (row: number) => boolean): T {
    const array = new this.#Array(this.length);
    this.#blocks.forEach((block, k) => array.set(block.subarray(0, this.length - k * BLOCK), k * BLOCK));
    if (isKept === undefined) return array;
    let count = 0;
    for (let row = 0; row < this.length; row++) if (isKept(row)) array[count++] = array[row];
    return array.slice(0, count) as T;
  }
}
