import { checkWhole } from '../base/check.js';

/** Curves are thinned to this many points where nothing else is asked for; more cannot be seen. */
export const MAX_POINTS = 1000;

/**
 * At most `most` points of a curve, in their order, such that no peak is lost: the curve is cut into pieces of equal length, of
 * each of which the lowest and the highest point remain, and the first and the last point of all. Points that are not finite
 * are left out first.
 *
 * @param most at least 4. Default 1000
 * @throws RangeError for another `most`, or columns that differ in length
 */
export function thin(x: ArrayLike<number>, y: ArrayLike<number>, most = MAX_POINTS): { x: number[]; y: number[] } {
  checkWhole('maxPoints', most, 4);
  if (x.length !== y.length) throw new RangeError(`x and y must have the same length, not ${x.length} and ${y.length}.`);
  const finite: number[] = [];
  for (let k = 0; k < x.length; k++) if (Number.isFinite(x[k]) && Number.isFinite(y[k])) finite.push(k);
  const kept = finite.length <= most ? finite : withExtremes(finite, y, most);
  return { x: kept.map((k) => x[k]), y: kept.map((k) => y[k]) };
}

function withExtremes(points: readonly number[], y: ArrayLike<number>, most: number): number[] {
  const last = points.length - 1;
  const nPieces = Math.floor((most - 2) / 2);
  const kept = [points[0]];
  for (let piece = 0; piece < nPieces; piece++) {
    // The points 1 to last - 1, of which there are more than 2 nPieces, in pieces of equal length.
    const from = 1 + Math.floor((piece * (last - 1)) / nPieces);
    const to = 1 + Math.floor(((piece + 1) * (last - 1)) / nPieces);
    let [low, high] = [from, from];
    for (let k = from + 1; k < to; k++) {
      if (y[points[k]] < y[points[low]]) low = k;
      if (y[points[k]] > y[points[high]]) high = k;
    }
    kept.push(points[Math.min(low, high)]);
    if (low !== high) kept.push(points[Math.max(low, high)]);
  }
  kept.push(points[last]);
  return kept;
}
