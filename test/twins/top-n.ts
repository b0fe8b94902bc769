/** Lists of rows of the item table, best first, 0 where a list has ended; and their raw scores. */
export interface ReferenceLists {
  items: Uint32Array<ArrayBuffer>;
  scores: Float32Array<ArrayBuffer>;
}

/**
 * The specification of the top-N kernel: score every item in float32, leave out row 0 and the excluded, sort all.
 *
 * @param score raw score of user k and item row i
 * @param excluded item rows that user k does not want
 */
export function topNReference(
  nUsers: number,
  nItems: number,
  n: number,
  score: (user: number, item: number) => number,
  excluded: (user: number) => ArrayLike<number>,
): ReferenceLists {
  const items = new Uint32Array(nUsers * n);
  const scores = new Float32Array(nUsers * n).fill(NaN);
  for (let k = 0; k < nUsers; k++) {
    const out = new Set(Array.from(excluded(k)));
    const candidates: [item: number, z: number][] = [];
    for (let item = 1; item < nItems; item++) if (!out.has(item)) candidates.push([item, Math.fround(score(k, item))]);
    candidates.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    candidates.slice(0, n).forEach(([item, z], place) => {
      items[k * n + place] = item;
      scores[k * n + place] = z;
    });
  }
  return { items, scores };
}
