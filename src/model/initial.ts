import { fillInitial } from '../base/random.js';
import type { ModelShape, Rows, Tables } from './layout.js';

/** fastai's starting values, see `fillInitial`: each table a stream of its own, drawn from the seed. */
export function initialTables({ nUsers, nItems, nFactors }: ModelShape, seed: number): Tables {
  const table = (id: number, nRows: number, nColumns: number) => {
    const values = new Float32Array(nRows * nColumns);
    fillInitial(values, seed, id, nRows, nColumns);
    return values;
  };
  return {
    userFactors: table(0, nUsers, nFactors),
    itemFactors: table(1, nItems, nFactors),
    userBias: table(2, nUsers, 1),
    itemBias: table(3, nItems, 1),
  };
}

/** The starting values of some rows of a side. */
export function initialRows(side: 'users' | 'items', rows: Uint32Array, nFactors: number, seed: number): Rows {
  const [id, n] = [side === 'users' ? 0 : 1, rows.length];
  const [factors, biases] = [new Float32Array(n * nFactors), new Float32Array(n)];
  fillInitial(factors, seed, id, n, nFactors, rows);
  fillInitial(biases, seed, id + 2, n, 1, rows);
  return { factors, biases };
}
