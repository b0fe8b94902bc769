import type { Op } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * How well a user and an item go together, from their factors, as a WGSL text and its TypeScript twin. The raw score is
 *
 *     z = value(sum over the factors) + user bias + item bias
 *
 * Factors are read four at a time. What they add up to has the WGSL type `sum`, and a shader that owns a row has the sum
 * before it needs the gradient of any of its columns: it can form z, dz and its own side's gradient in one go. The WGSL
 * defines, with `ScoreSum` for that type,
 *
 *     scoreSum(user: vec4f, item: vec4f) -> ScoreSum                          what four factors add
 *     scoreValue(sum: ScoreSum) -> f32                                        z without the biases
 *     scoreUserGrad(user: vec4f, item: vec4f, sum: ScoreSum) -> vec4f         d value / d user, for four factors
 *     scoreItemGrad(user: vec4f, item: vec4f, sum: ScoreSum) -> vec4f         d value / d item
 *
 * Rows are padded with zeros to whole vec4s: zeros must add nothing to the sum, and have no gradient.
 */
export interface ScoreOp extends Op {
  /** Type of the sum over the factors. Default 'f32'. */
  readonly sum?: 'f32' | 'vec2f' | 'vec3f' | 'vec4f' | undefined;
  /**
   * True if z is the dot product of the factors, plus the biases: what folding new users in, its reasons, and searching
   * vectors by inner product rely on. Default false.
   */
  readonly isDotProduct?: boolean | undefined;
  /** z without the biases, of two vectors of equal length. */
  readonly value: (user: ArrayLike<number>, item: ArrayLike<number>) => number;
  /** d value / d user and d value / d item, as long as the vectors. */
  readonly grad: (user: ArrayLike<number>, item: ArrayLike<number>) => readonly [user: number[], item: number[]];
}

/** fastai's: z = user . item, plus the biases. */
export const dotProduct: ScoreOp = {
  name: 'dotProduct',
  isDotProduct: true,
  wgsl: wgsl`
fn scoreSum(user: vec4f, item: vec4f) -> f32 { return dot(user, item); }
fn scoreValue(sum: f32) -> f32 { return sum; }
fn scoreUserGrad(user: vec4f, item: vec4f, sum: f32) -> vec4f { return item; }
fn scoreItemGrad(user: vec4f, item: vec4f, sum: f32) -> vec4f { return user; }
`,
  value: (user, item) => {
    let sum = 0;
    for (let f = 0; f < user.length; f++) sum += user[f] * item[f];
    return sum;
  },
  grad: (user, item) => [Array.from(item), Array.from(user)],
};

/** `ScoreSum`: to be declared once in a kernel that scores. */
export const scoreSumType = ({ sum = 'f32' }: ScoreOp) => wgsl`
alias ScoreSum = ${sum};
`;

/**
 * `rowSum` and `rowScore` of a user's and an item's row, given the index of each row's first vec4 in its buffer, an array<vec4f>
 * of the given name. A row is `factorVecs` vec4s of factors, then one vec4 whose x is the bias (absent in models without biases).
 */
export const scoreRows = (score: ScoreOp, hasBias: boolean, users = 'users', items = 'items') => wgsl`${scoreSumType(score)}
fn rowSum(user: u32, item: u32, factorVecs: u32) -> ScoreSum {
  var sum = ScoreSum();
  for (var f = 0u; f < factorVecs; f++) { sum += scoreSum(${users}[user + f], ${items}[item + f]); }
  return sum;
}
fn rowScore(user: u32, item: u32, factorVecs: u32, sum: ScoreSum) -> f32 {
  #if ${hasBias}
  return scoreValue(sum) + (${users}[user + factorVecs].x + ${items}[item + factorVecs].x);
  #else
  return scoreValue(sum);
  #endif
}
`;
