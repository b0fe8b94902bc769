import type { Id } from './ids.js';

/** Ratings as columns of equal length, by the ids of the outside world. Typed arrays are the fastest. */
export interface RatingColumns {
  users: ArrayLike<Id>;
  items: ArrayLike<Id>;
  /** Finite numbers of any scale; kept as float32. */
  ratings: ArrayLike<number>;
  /** Finite numbers in any unit. Training does not use them. */
  timestamps?: ArrayLike<number> | undefined;
}

/** Ratings by table row, in columns of equal length; row 0 is `#na#`. */
export interface Ratings {
  /** Rows of the user table. */
  users: Uint32Array;
  /** Rows of the item table. */
  items: Uint32Array;
  ratings: Float32Array;
  timestamps?: Float64Array | undefined;
}
