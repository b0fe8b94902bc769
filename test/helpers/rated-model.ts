/** Small models with tables made by hand, for tests of what a trained model answers. */
import { identity, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { CollabModel, EmbeddingTables, IdMap, NA, type ModelInfo, type Ratings, type Tables } from '../../src/index.js';
import { sharedGpu } from './gpu.js';

export interface TableSizes {
  nUsers: number;
  nItems: number;
  nFactors: number;
  bias?: boolean;
}

/** Tables whose entries are `value(table, i)`; table 0 userFactors, 1 itemFactors, 2 userBias, 3 itemBias. */
export function tablesOf({ nUsers, nItems, nFactors }: TableSizes, value: (table: number, i: number) => number): Tables {
  const table = (id: number, length: number) => Float32Array.from({ length }, (_, i) => value(id, i));
  return {
    userFactors: table(0, nUsers * nFactors),
    itemFactors: table(1, nItems * nFactors),
    userBias: table(2, nUsers),
    itemBias: table(3, nItems),
  };
}

/** A model of these tables; ids are 'u1', 'u2', ... and 'i1', 'i2', ... by table row. */
export async function modelOf(sizes: TableSizes, tables: Tables, { yRange = [0, 5.5], ...info }: Partial<ModelInfo> & { yRange?: [number, number] | null } = {}): Promise<CollabModel> {
  const { nUsers, nItems, nFactors, bias = true } = sizes;
  const model = new EmbeddingTables(await sharedGpu(), { nUsers, nItems, nFactors, hasBias: bias });
  model.writeTables(tables);
  const ids = (letter: string, n: number) => new IdMap([NA, ...Array.from({ length: n - 1 }, (_, k) => `${letter}${k + 1}`)]);
  return new CollabModel(model, { users: ids('u', nUsers), items: ids('i', nItems), score: dotProduct, range: yRange === null ? identity : sigmoidRange(yRange), ...info });
}

/** Ratings of [user row, item row] pairs, all of them 3. */
export function ratingsOf(pairs: readonly (readonly [user: number, item: number])[]): Ratings {
  return {
    users: Uint32Array.from(pairs, ([user]) => user),
    items: Uint32Array.from(pairs, ([, item]) => item),
    ratings: new Float32Array(pairs.length).fill(3),
  };
}

/** Raw score from tables, in float64. */
export function scoreOf({ nFactors, bias = true }: TableSizes, t: Tables, user: number, item: number): number {
  let z = bias ? t.userBias[user] + t.itemBias[item] : 0;
  for (let f = 0; f < nFactors; f++) z += t.userFactors[user * nFactors + f] * t.itemFactors[item * nFactors + f];
  return z;
}
