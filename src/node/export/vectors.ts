/** The vectors of one side of a model: as Parquet, as a matrix of NumPy, or as two TSV files for the Embedding Projector. */
import { asWritten } from '../../base/decimal.js';
import { titleOf } from '../../data/ids.js';
import type { DecodedModel } from '../../files/model-file.js';
import type { Block, Column } from './columns.js';
import { idKind } from './places.js';

/** Items or users. */
export type Side = 'items' | 'users';

/** Numbers of a block: of so many rows that it has a few MB. */
const NUMBERS_PER_BLOCK = 2 ** 19;

/** A side's table without `#na#`, in the order of its rows. */
export class SideVectors {
  readonly nFactors: number;
  readonly hasBias: boolean;
  readonly nRows: number;
  readonly #factors: Float32Array;
  readonly #biases: Float32Array;

  constructor(
    private readonly model: DecodedModel,
    private readonly side: Side,
  ) {
    const { shape, tables } = model;
    this.nFactors = shape.nFactors;
    this.hasBias = shape.hasBias;
    this.nRows = model[side].size - 1;
    const isItems = side === 'items';
    this.#factors = (isItems ? tables.itemFactors : tables.userFactors).subarray(this.nFactors);
    this.#biases = (isItems ? tables.itemBias : tables.userBias).subarray(1);
  }

  /** What is known of each row beside its vector: id, title and bias, as far as there are any. */
  get columns(): Column[] {
    const { model, side } = this;
    return [
      { name: side.slice(0, -1), kind: idKind(model[side]) },
      ...(side === 'items' && model.titles !== undefined ? [{ name: 'title', kind: 'text' } as const] : []),
      ...(this.hasBias ? [{ name: 'bias', kind: 'float' } as const] : []),
    ];
  }

  /** The values of `columns`, then the vectors, block by block. */
  async *blocks(): AsyncGenerator<Block> {
    const { titles } = this.model;
    const map = this.model[this.side];
    for (const [first, end] of this.#ranges(this.nFactors)) {
      const ids = Array.from({ length: end - first }, (_, k) => map.idOf(first + k + 1));
      yield [
        ids,
        ...(this.side === 'items' && titles !== undefined ? [ids.map((id) => titleOf(titles, id))] : []),
        ...(this.hasBias ? [this.#biases.subarray(first, end)] : []),
        ids.map((_, k) => this.#vector(first + k)),
      ];
    }
  }

  /**
   * The matrix whose products are raw scores: rows (vector, bias, 1) of items, (vector, 1, bias) of users; the vectors alone in a model
   * without biases. As a file of NumPy: a header, then float32, row by row.
   */
  async *matrix(): AsyncGenerator<Uint8Array> {
    const width = this.nFactors + (this.hasBias ? 2 : 0);
    yield npyHeader([this.nRows, width]);
    const [biasAt, oneAt] = this.side === 'items' ? [0, 1] : [1, 0];
    for (const [first, end] of this.#ranges(width)) {
      const values = new Float32Array((end - first) * width);
      for (let row = first; row < end; row++) {
        const at = (row - first) * width;
        values.set(this.#vector(row), at);
        if (!this.hasBias) continue;
        values[at + this.nFactors + biasAt] = this.#biases[row];
        values[at + this.nFactors + oneAt] = 1;
      }
      yield new Uint8Array(values.buffer);
    }
  }

  /** A line for each vector with what `columns` has, as the Embedding Projector reads it: no quotes; no names above a single column. */
  async *metadata(): AsyncGenerator<Uint8Array> {
    const { columns } = this;
    if (columns.length > 1) yield Buffer.from(`${columns.map(({ name }) => name).join('\t')}\n`);
    for await (const block of this.blocks()) {
      const cell = (k: number, row: number) => {
        const value = block[k][row];
        return columns[k].kind === 'float' ? asWritten(value as number) : String(value ?? '').replace(/[\t\r\n]+/g, ' ');
      };
      yield Buffer.from(Array.from(block[0], (_, row) => `${columns.map((__, k) => cell(k, row)).join('\t')}\n`).join(''));
    }
  }

  /** Vectors as lines of numbers with tabs between them. */
  async *lines(): AsyncGenerator<Uint8Array> {
    for (const [first, end] of this.#ranges(this.nFactors)) {
      let text = '';
      for (let row = first; row < end; row++) text += `${Array.from(this.#vector(row), asWritten).join('\t')}\n`;
      yield Buffer.from(text);
    }
  }

  #vector(row: number): Float32Array {
    return this.#factors.subarray(row * this.nFactors, (row + 1) * this.nFactors);
  }

  *#ranges(width: number): Generator<[first: number, end: number]> {
    const step = Math.max(1, Math.floor(NUMBERS_PER_BLOCK / width));
    for (let first = 0; first < this.nRows; first += step) yield [first, Math.min(this.nRows, first + step)];
  }
}

/** Version 1.0 of the format: what the array is, as a Python literal, padded so that the numbers begin at a multiple of 64. */
function npyHeader(shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from('\x93NUMPY\x01\x00\0\0', 'latin1');
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded)]);
}
