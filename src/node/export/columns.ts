/** What a table is made of, whatever the format of its file. */

/** A column of a table. */
export interface Column {
  readonly name: string;
  /**
   * whole: whole numbers below 2^53; rank: small ones; float: float32, written with the digits that tell it from its neighbours;
   * text: texts, missing ones undefined; vector: a Float32Array for each row.
   */
  readonly kind: 'whole' | 'rank' | 'float' | 'text' | 'vector';
}

/** Rows that follow each other: for each column its values. */
export type Block = readonly ArrayLike<unknown>[];

/** A table in the bytes of a format. */
export type TableFormat = (columns: readonly Column[], blocks: AsyncIterable<Block>) => AsyncIterable<Uint8Array>;
