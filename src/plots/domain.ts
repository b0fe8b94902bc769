/**
 * The lowest and the highest of all finite values, with a twentieth of their distance as room on either side; [0, 1] if there
 * are none.
 *
 * @param zero whether 0 is to be in it, and then without room beyond it if nothing lies there, as lengths of bars need it
 */
export function domainOf(columns: readonly ArrayLike<number>[], zero = false): [low: number, high: number] {
  let [low, high] = zero ? [0, 0] : [Infinity, -Infinity];
  for (const column of columns) {
    for (let k = 0; k < column.length; k++) {
      if (!Number.isFinite(column[k])) continue;
      low = Math.min(low, column[k]);
      high = Math.max(high, column[k]);
    }
  }
  if (low > high || (zero && low === high)) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) / 20;
  return [zero && low === 0 ? 0 : low - room, zero && high === 0 ? 0 : high + room];
}

/** A number with two digits that count, such as 0.016 and 1.2e-7. */
export const short = (value: number): string => String(Number(value.toPrecision(2)));
