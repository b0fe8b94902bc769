/** How the kernels of lazy steps go through a row's ratings. */
import { wgsl } from '../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../ops/finite.js';
import { scoreSumType } from '../ops/score.js';
import type { LazyVariant } from './lazy-rows.js';

/** What must stand at the begin of a kernel whose lanes shuffle. Lanes of a row are always at the same place. */
export const lanesHeader = ({ lanes, shuffles }: LazyVariant) =>
  lanes > 1 && shuffles ? 'enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n' : '';

/**
 * `rowsSum(own, ownAt, other, isItem, lane)`: the sum over the factors of two rows, the same bits in all lanes of a row. Lanes
 * add the sums of their own columns as a tree, by shuffles; or else each lane goes through all columns and adds them as that
 * tree would.
 */
const rowsSum = ({ lanes, shuffles, score }: LazyVariant) => {
  // A dot product is the same from either side.
  const term = (own: string, other: string) =>
    score.isDotProduct === true
      ? `sum += scoreSum(${own}, ${other});`
      : `if (isItem) { sum += scoreSum(${other}, ${own}); } else { sum += scoreSum(${own}, ${other}); }`;
  const tree = Array.from({ length: Math.log2(lanes) }, (_, level) => 1 << level);
  return wgsl`
#if ${lanes === 1 || shuffles}
fn rowsSum(own: ptr<function, array<vec4f, OWN_VECS>>, ownAt: u32, other: u32, isItem: bool, lane: u32) -> ScoreSum {
  var sum = ScoreSum();
  for (var j = 0u; j < OWN_VECS; j++) {
    let i = columnOf(j, lane);
    #if ${lanes > 1}
    if (i >= FACTOR_VECS) { break; }
    #endif
    ${term('(*own)[j]', 'paramAt(other + i)')}
  }
  ${tree.map((level) => `sum += subgroupShuffleXor(sum, ${level}u);`).join('\n  ')}
  return sum;
}
#else
fn rowsSum(own: ptr<function, array<vec4f, OWN_VECS>>, ownAt: u32, other: u32, isItem: bool, lane: u32) -> ScoreSum {
  var sums: array<ScoreSum, LANES>;
  for (var l = 0u; l < LANES; l++) {
    var sum = ScoreSum();
    for (var i = l; i < FACTOR_VECS; i += LANES) { ${term('paramAt(ownAt + i)', 'paramAt(other + i)')} }
    sums[l] = sum;
  }
  for (var level = 1u; level < LANES; level *= 2u) {
    for (var l = 0u; l < LANES; l += 2u * level) { sums[l] += sums[l + level]; }
  }
  return sums[0];
}
#endif
`;
};

/**
 * `sumMembers(begin, n, ownAt, isItem, lane, own, bias, out)`: adds a lane's share of the gradient, and the loss, of the ratings
 * members[begin .. begin + n). Where lanes shuffle, all of a subgroup must call it.
 */
export const sumMembers = (variant: LazyVariant) => {
  const { hasBias, lanes, shuffles, score } = variant;
  const isShuffled = lanes > 1 && shuffles;
  const ownGrad =
    score.isDotProduct === true
      ? '(*out).grad[j] += dz * other4;'
      : wgsl`if (isItem) { (*out).grad[j] += dz * scoreItemGrad(other4, (*own)[j], sum); }
      else { (*out).grad[j] += dz * scoreUserGrad((*own)[j], other4, sum); }`;
  return wgsl`${scoreSumType(score)}${ifFiniteWgsl}${rowsSum(variant)}
struct RowSums { grad: array<vec4f, OWN_VECS>, bias: f32, loss: f32 }
fn loadOwn(ownAt: u32, lane: u32, own: ptr<function, array<vec4f, OWN_VECS>>) {
  for (var j = 0u; j < OWN_VECS; j++) {
    let i = columnOf(j, lane);
    #if ${lanes > 1}
    if (i >= FACTOR_VECS) { break; }
    #endif
    (*own)[j] = paramAt(ownAt + i);
  }
}
fn sumMembers(
  begin: u32, n: u32, ownAt: u32, isItem: bool, lane: u32,
  own: ptr<function, array<vec4f, OWN_VECS>>, bias: f32, out: ptr<function, RowSums>
) {
  #if ${isShuffled}
  let nTurns = subgroupMax(n);
  #else
  let nTurns = n;
  #endif
  for (var k = 0u; k < nTurns; k++) {
    #if ${isShuffled}
    let member = members[begin + min(k, max(n, 1u) - 1u)];
    #else
    let member = members[begin + k];
    #endif
    let other = rowAt(member.row);
    let sum = rowsSum(own, ownAt, other, isItem, lane);
    var z = scoreValue(sum);
    #if ${hasBias}
    z += bias + biasAt(other);
    #endif
    let yHat = range(z);
    let dz = lossGrad(yHat, member.y) * uniforms.lossScale * rangeGrad(z);
    #if ${isShuffled}
    if (k >= n) { continue; }
    #endif
    (*out).loss += ifFinite(z, loss(yHat, member.y));
    (*out).bias += dz;
    for (var j = 0u; j < OWN_VECS; j++) {
      let i = columnOf(j, lane);
      #if ${lanes > 1}
      if (i >= FACTOR_VECS) { break; }
      #endif
      let other4 = paramAt(other + i);
      ${ownGrad}
    }
  }
}
`;
};

/** `chunkSlot(place, index)`: where chunk `index` of a row has its partial sums, given the place of the row's first member on its side. */
export const chunkSlots = wgsl`
fn chunkSlot(place: u32, index: u32) -> u32 { return 2u * (place / CHUNK + index) + select(0u, 1u, index == 0u); }
`;
