/** Traces of fastai, see test/fixtures/README.md. */
import type { ModelShape, Tables } from '../../src/model/layout.js';
import { readFileSync } from 'node:fs';

/** Tables as the traces hold them. */
interface FixtureTables {
  u_weight: number[][];
  i_weight: number[][];
  u_bias: number[];
  i_bias: number[];
}

export function readFixture(name: string) {
  return JSON.parse(readFileSync(new URL(`../../../test/fixtures/${name}`, import.meta.url), 'utf8'));
}

export function tablesOf({ u_weight, i_weight, u_bias, i_bias }: FixtureTables): Tables {
  return {
    userFactors: Float32Array.from(u_weight.flat()),
    itemFactors: Float32Array.from(i_weight.flat()),
    userBias: Float32Array.from(u_bias),
    itemBias: Float32Array.from(i_bias),
  };
}

export function shapeOf({ u_weight, i_weight }: FixtureTables): ModelShape {
  return { nUsers: u_weight.length, nItems: i_weight.length, nFactors: u_weight[0].length, hasBias: true };
}

/** Batches stored one after the other, as training rows. */
export function ratingsOf({ users, items, ratings }: Record<'users' | 'items' | 'ratings', number[] | number[][]>) {
  return { users: Uint32Array.from(users.flat()), items: Uint32Array.from(items.flat()), ratings: Float32Array.from(ratings.flat()) };
}
