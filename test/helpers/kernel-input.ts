/** Random buffers of kernels, as their twins hold them. Floats are multiples of 2^-24, exact in float32. */
import type { OptimizerOp } from '../../shaders/ops/optimizer.js';
import { identity, type RangeOp, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct, type ScoreOp } from '../../shaders/ops/score.js';
import type { Fields, Struct, StructArray, StructValue } from '../../src/gpu/struct.js';
import { RowLayout } from '../../src/model/layout.js';
import { factorsAt, type ScoreSum } from '../twins/score.js';
import { SIZES } from './kernel.js';
import { cosine, negativeSquaredDistance } from './ops.js';
import { randomSource } from './random.js';
import { randomRatings, randomTables } from './training.js';

const dot = dotProduct.value;
/** Scores, each with what its WGSL sums up. */
export const SCORES: readonly (readonly [ScoreOp, ScoreSum])[] = [
  [dotProduct, dot],
  [negativeSquaredDistance, negativeSquaredDistance.value],
  [cosine, (user, item) => [dot(user, item), dot(user, user), dot(item, item)]],
];
/** Sizes to try a kernel with: of the other scores one is enough. */
export const sizesFor = (score: ScoreOp) => (score === dotProduct ? SIZES : [65]);
export const RANGES: readonly RangeOp[] = [sigmoidRange([0, 5.5]), identity];

const N_USERS = 9;
const N_ITEMS = 13;

/** Rows of both tables, packed. */
export function randomRows(nFactors: number, hasBias: boolean, seed = 1): { layout: RowLayout; param: Float64Array } {
  const layout = new RowLayout({ nUsers: N_USERS, nItems: N_ITEMS, nFactors, hasBias });
  return { layout, param: Float64Array.from(layout.pack(randomTables(layout.shape, seed, 0.5))) };
}

export function randomRatingStructs(n: number, seed = 14): { user: number; item: number; y: number }[] {
  const { users, items, ratings } = randomRatings({ nUsers: N_USERS, nItems: N_ITEMS }, n, seed);
  return Array.from(ratings, (y, k) => ({ user: users[k], item: N_USERS + items[k], y }));
}

/** State that an optimiser can reach, as far as it keeps any: where there are two numbers the second is at least the first squared. */
export function randomState({ nState }: OptimizerOp, n: number, seed: number): { m: Float64Array; v: Float64Array } {
  const m = randomFloats(n, seed, ...(nState === 1 ? [0, 0.1] : [-0.1, 0.1]));
  const noise = randomFloats(n, seed + 1, 1, 2);
  const v = m.map((each, i) => Math.fround(each * each * noise[i]));
  return Object.fromEntries(Object.entries({ m, v }).slice(0, nState)) as { m: Float64Array; v: Float64Array };
}

interface Outcome {
  loss: number;
  dz: number;
  sum: number | number[];
}

/** Outcomes of no ratings yet. */
export function emptyOutcomes(n: number, sumOf: ScoreSum): Outcome[] {
  return Array.from({ length: n }, () => ({ loss: 0, dz: 0, sum: sumOf([], []) }));
}

/** Outcomes of ratings with random gradients. `address` is the first vec4 of a rating's row. */
export function randomOutcomes(
  ratings: readonly { user: number; item: number }[],
  param: Float64Array,
  factorVecs: number,
  address: (row: number) => number,
  sumOf: ScoreSum,
): Outcome[] {
  const dz = randomFloats(ratings.length, 8);
  const factors = (row: number) => factorsAt(param, address(row), factorVecs);
  return ratings.map(({ user, item }, k) => ({ loss: 0, dz: dz[k], sum: sumOf(factors(user), factors(item)) }));
}

/** The elements of an array of structs as a twin holds them. */
export function structsOf<F extends Fields>({ of, length, words, floats }: StructArray<F>): StructValue<F>[] {
  const value = (struct: Struct, at: number): StructValue<Fields> =>
    Object.fromEntries(
      Object.entries(struct.fields).map(([name, type]) => {
        const word = at + struct.at[name];
        if (typeof type !== 'string') return [name, value(type, word)];
        if (type === 'f32') return [name, floats[word]];
        if (type === 'u32' || type === 'i32') return [name, words[word]];
        return [name, Array.from(floats.subarray(word, word + Number(type[3])))];
      }),
    );
  return Array.from({ length }, (_, i) => value(of, i * of.size) as StructValue<F>);
}

/** Values in [lo, hi). */
export function randomFloats(n: number, seed: number, lo = -1, hi = 1): Float64Array {
  const random = randomSource(seed);
  return Float64Array.from({ length: n }, () => Math.fround(lo + (hi - lo) * random()));
}
