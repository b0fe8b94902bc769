import type { Deal } from '../data/deal.js';

/** Rows of one side that lie one after the other in a buffer of rows. */
export interface Block {
  readonly buffer: GPUBuffer;
  /** The first of them, counted in rows of the buffer. */
  readonly firstRow: number;
  readonly nRows: number;
}

/** Rows in blocks on the device: row r is row blocks[blockOf(r)].firstRow + placeOf(r) of that block's buffer. */
export interface PlacedRows {
  readonly blocks: readonly Block[];
  blockOf(row: number): number;
  placeOf(row: number): number;
}

/** The users or the items of a model, as they lie on the device. */
export class TableSide implements PlacedRows {
  constructor(
    /** How the rows were dealt to blocks; undefined: one block has all of them, in order. */
    readonly deal: Deal | undefined,
    /** Where each block is now. Blocks of items move while a model in parts trains: each submission looks here anew. */
    public blocks: readonly Block[],
  ) {}

  blockOf(row: number): number {
    return this.deal === undefined ? 0 : this.deal.block[row];
  }

  placeOf(row: number): number {
    return this.deal === undefined ? row : this.deal.place[row];
  }

  /** The rows of a block, by their places in it; undefined: row r has place r. */
  rowsOf(block: number): Uint32Array | undefined {
    return this.deal && rowsOfBlock(this.deal, block);
  }
}

/** A buffer of n rows, all in one block. */
export function rowsIn(buffer: GPUBuffer, nRows: number): PlacedRows {
  return new TableSide(undefined, [{ buffer, firstRow: 0, nRows }]);
}

/** A row's number in the buffer of its block, which never changes. */
export const bufferRow = (rows: PlacedRows, row: number): number => rows.blocks[rows.blockOf(row)].firstRow + rows.placeOf(row);

/** The rows of a block, ascending. */
export const rowsOfBlock = ({ rows, start }: Deal, block: number): Uint32Array => rows.subarray(start[block], start[block + 1]);
