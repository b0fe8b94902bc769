/** The rows with the n highest scores, best first, equal scores by row. A row whose score is -Infinity is never among them. */
export function bestRows(scores: Float64Array, n: number): number[] {
  const nth = scores.toSorted()[Math.max(0, scores.length - n)];
  const rows: number[] = [];
  for (let row = 0; row < scores.length; row++) if (scores[row] >= nth && scores[row] > -Infinity) rows.push(row);
  return rows.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, n);
}
