import { fillInitial } from '../base/random.js';
import type { ModelShape, Tables } from './layout.js';

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
