/** The share of an array that must be used for the rest to be kept. */
const MOST = 0.8;

/**
 * The first `count` numbers of an array that nobody else has: a view of it where that is most of it, since room that was never written
 * takes no memory; else a copy, since whoever sends a view to another thread sends all that is behind it.
 */
export function firstOf<T extends Uint32Array | Float32Array | Float64Array>(array: T, count: number): T {
  return (count < MOST * array.length ? array.slice(0, count) : array.subarray(0, count)) as T;
}
