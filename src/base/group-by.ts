/** Positions grouped by key: those of key k are order[start[k]] to order[start[k + 1] - 1], in ascending order. */
export interface Groups {
  /** [nKeys + 1] */
  readonly start: Uint32Array;
  /** [keys.length], a permutation of the positions */
  readonly order: Uint32Array;
}

/**
 * A counting sort of the positions of `keys`: stable, and linear in both numbers.
 *
 * @param keys whole numbers from 0 to nKeys - 1 (not checked)
 */
export function groupBy(keys: ArrayLike<number>, nKeys: number): Groups {
  const start = new Uint32Array(nKeys + 1);
  for (let k = 0; k < keys.length; k++) start[keys[k] + 1]++;
  for (let key = 0; key < nKeys; key++) start[key + 1] += start[key];
  const next = start.slice();
  const order = new Uint32Array(keys.length);
  for (let k = 0; k < keys.length; k++) order[next[keys[k]]++] = k;
  return { start, order };
}

/** How often each key from 0 to nKeys - 1 occurs in `keys`, [nKeys]. */
export function countBy(keys: ArrayLike<number>, nKeys: number): Uint32Array {
  const counts = new Uint32Array(nKeys);
  for (let k = 0; k < keys.length; k++) counts[keys[k]]++;
  return counts;
}
