/** Small models with tables made by hand, for tests of what a trained model answers. */
import { rangeOf } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { CollabModel, EmbeddingTables, type Gpu, IdMap, NA, type ModelInfo, type Ratings, type Tables } from '../../src/index.js';
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

/** What a model of tables may have beside them; `yRange` is the bounds of the usual range, null for none. */
export interface RatedModelOptions extends Partial<ModelInfo> {
  yRange?: readonly [number, number] | null;
  gpu?: Gpu;
}

/** A model of these tables; ids are 'u1', 'u2', ... and 'i1', 'i2', ... by table row. */
export async function modelOf(sizes: TableSizes, tables: Tables, options: RatedModelOptions = {}): Promise<CollabModel> {
  const { yRange = [0, 5.5], gpu = await sharedGpu(), ...info } = options;
  const { nUsers, nItems, nFactors, bias = true } = sizes;
  const embeddings = new EmbeddingTables(gpu, { nUsers, nItems, nFactors, hasBias: bias });
  embeddings.writeTables(tables);
  const ids = (letter: string, n: number) => new IdMap([NA, ...Array.from({ length: n - 1 }, (_, k) => `${letter}${k + 1}`)]);
  const usual = { users: ids('u', nUsers), items: ids('i', nItems), score: dotProduct, range: rangeOf(yRange) };
  return new CollabModel(embeddings, { ...usual, ...info });
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
