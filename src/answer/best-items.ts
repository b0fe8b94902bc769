/** The best items of each of some users, from lists of parts of the items: score descending, then row ascending. */
export class BestItems {
  /** Scores and item rows, [nUsers, nKept], best first; row 0 from where a list ends. */
  z: Float32Array;
  rows: Uint32Array;

  constructor(
    readonly nUsers: number,
    readonly nKept: number,
  ) {
    this.z = new Float32Array(nUsers * nKept);
    this.rows = new Uint32Array(nUsers * nKept);
  }

  /**
   * Merges lists that are each in the order of scores, then of items, of which item 0 ends one.
   *
   * @param z scores, [nUsers, nLists, nKept]
   * @param items of the same shape; their rows ascend with them
   */
  offer(z: Float32Array, items: Uint32Array, nLists: number, rowOf: (item: number) => number): void {
    const { nUsers, nKept } = this;
    const [oldZ, oldRows] = [this.z, this.rows];
    this.z = new Float32Array(nUsers * nKept);
    this.rows = new Uint32Array(nUsers * nKept);
    const next = new Uint32Array(nLists);
    for (let k = 0; k < nUsers; k++) {
      for (let list = 0; list < nLists; list++) next[list] = (k * nLists + list) * nKept;
      let old = k * nKept;
      for (let place = k * nKept; place < (k + 1) * nKept; place++) {
        let best = 0;
        for (let list = 1; list < nLists; list++) {
          const [a, b] = [next[list], next[best]];
          if (items[a] !== 0 && (items[b] === 0 || z[a] > z[b] || (z[a] === z[b] && items[a] < items[b]))) best = list;
        }
        const at = next[best];
        const row = items[at] === 0 ? 0 : rowOf(items[at]);
        const isOld = oldRows[old] !== 0 && (row === 0 || oldZ[old] > z[at] || (oldZ[old] === z[at] && oldRows[old] < row));
        if (!isOld && row === 0) break;
        this.z[place] = isOld ? oldZ[old] : z[at];
        this.rows[place] = isOld ? oldRows[old++] : row;
        if (!isOld) next[best]++;
      }
    }
  }
}
