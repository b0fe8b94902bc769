/** Mean and standard deviation of each column of a row-major table [nRows, nColumns], in float64. */
export function columnMomentsReference(table: ArrayLike<number>, nColumns: number): { mean: Float64Array; sd: Float64Array } {
  const nRows = table.length / nColumns;
  const mean = new Float64Array(nColumns);
  const sd = new Float64Array(nColumns);
  for (let i = 0; i < table.length; i++) mean[i % nColumns] += table[i] / nRows;
  for (let i = 0; i < table.length; i++) sd[i % nColumns] += (table[i] - mean[i % nColumns]) ** 2 / nRows;
  return { mean, sd: sd.map(Math.sqrt) };
}
