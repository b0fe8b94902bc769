import type { ScoreOp } from '../../shaders/ops/score.js';

/** What the WGSL of a score sums up over the factors: a number, or the components of a vector. */
export type ScoreSum = (user: ArrayLike<number>, item: ArrayLike<number>) => number | number[];

/** 4-byte words of an element of an array of sums. */
export const sumStride = ({ sum = 'f32' }: ScoreOp) => ({ f32: 1, vec2f: 2, vec3f: 4, vec4f: 4 })[sum];

/** The factors of a row, given the index of its first vec4. */
export const factorsAt = (param: Float64Array, row: number, factorVecs: number) => param.subarray(4 * row, 4 * (row + factorVecs));

/** Twin of `rowScore`: the raw score of a user's and an item's row, given the index of each row's first vec4 in its table. */
export function scoreRows(
  score: ScoreOp,
  [users, items]: readonly [Float64Array, Float64Array],
  [user, item]: readonly [number, number],
  factorVecs: number,
  hasBias: boolean,
): number {
  const biases = hasBias ? users[4 * (user + factorVecs)] + items[4 * (item + factorVecs)] : 0;
  return score.value(factorsAt(users, user, factorVecs), factorsAt(items, item, factorVecs)) + biases;
}
