// A training step that touches only the rows of the batch, with the numbers of a step that touches every row.
//   maths     the owner of a touched row forms for each of its ratings z = score(u, i) + bu + bi, yHat = range(z), the loss and
//             dz = L'(yHat, y) lossScale range'(z); sums its gradient; makes the optimiser's step; and then makes at once all
//             the idle steps until the row's next touch (IdleOp), so that every row is always ready for its next reader.
//             The two owners of a rating form the same z and dz: the same products, added in the same order.
//             `lazyEnter` makes each row's idle steps before its first touch. After a window all rows are at the same
//             step: the dense model.
//   mapping   `lanes` invocations per touched row, lane l owning the vec4s l, l + lanes, ...: 1 on software adapters, up to 16 on
//             GPUs. One dispatch per step, or one workgroup that makes all steps of a window.
//   cost      12 nFactors flop and 4 rowStride bytes per rating; 24 rowStride bytes per touched row
//   races     none: the parameters have two copies. An owner reads its row in one copy and writes the other, which no reader of
//             this step uses (src/steps/host-batches.ts assigns the copies); m, v and lossOf have one writer. Steps are ordered
//             by dispatches, or by storage barriers within the one workgroup.
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../ops/finite.js';
import { stateBuffers, updateThenIdle } from '../ops/optimizer.js';
import { scoreSumType } from '../ops/score.js';
import { Member, RowTouch, stepStruct } from '../ops/structs.js';
import { advanceRow, copyBuffers, LAZY_UNIFORMS, type LazyVariant, rowAccess, spans, variantName } from './lazy-rows.js';

/**
 * `scoreOf(own, other)`: the sum over the factors of two rows, the same bits in all lanes of a row. Lanes add the sums of
 * their own columns as a tree, by shuffles; or else each lane goes through all columns and adds them as that tree would.
 */
const scoreSums = ({ lanes, shuffles, score }: LazyVariant) => {
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

/** `stepRow(t, hasTouch, lane, step, replayEnd)`: a lane's share of what touch t asks for. */
const stepRow = (variant: LazyVariant) => {
  const { hasBias, lanes, shuffles, replays, score, idle } = variant;
  const advance = wgsl`
  #if ${replays}
  update(&p, &mi, &vi, grad, steps[step].rate, wd);
  for (var t = step + 1u; t < span.mid; t++) { update(&p, &mi, &vi, vec4f(), steps[t].rate, wd); }
  if (span.mid < span.end) { idle(&p, &mi, &vi, wdDecay, span.decays, before, after); }
  #else
  updateThenIdle(&p, &mi, &vi, grad, steps[step].rate, wd, wdDecay, span.decays, before, after);
  #endif`;
  const ownGrad =
    score.isDotProduct === true
      ? 'grad[j] += dz * other4;'
      : 'if (isItem) { grad[j] += dz * scoreItemGrad(other4, own[j], sum); } else { grad[j] += dz * scoreUserGrad(own[j], other4, sum); }';
  return wgsl`${scoreSumType(score)}${ifFiniteWgsl}${rowAccess(variant)}${idle.wgsl}${updateThenIdle(idle)}${spans(variant)}
${scoreSums(variant)}${advanceRow(variant, advance)}
fn stepRow(t: u32, hasTouch: bool, lane: u32, step: u32, replayEnd: u32) {
  var touch = RowTouch();
  if (hasTouch) { touch = touches[t]; }
  let nMembers = touch.end - touch.begin;
  #if ${lanes > 1 && shuffles}
  let nTurns = subgroupMax(nMembers); // shuffles need all lanes of a subgroup
  #else
  let nTurns = nMembers;
  #endif
  if (nTurns == 0u) { return; }
  let isItem = (touch.row >> 1u) >= uniforms.nUsers;
  let ownAt = rowAt(touch.row);
  var own: array<vec4f, OWN_VECS>;
  var grad: array<vec4f, OWN_VECS>;
  for (var j = 0u; j < OWN_VECS; j++) {
    let i = columnOf(j, lane);
    #if ${lanes > 1}
    if (i >= FACTOR_VECS) { break; }
    #endif
    own[j] = paramAt(ownAt + i);
  }
  var bias = 0.0;
  var biasGrad = 0.0;
  #if ${hasBias}
  bias = biasAt(ownAt);
  #endif
  var lossSum = 0.0;
  for (var k = 0u; k < nTurns; k++) {
    let member = members[touch.begin + min(k, max(nMembers, 1u) - 1u)];
    let other = rowAt(member.row);
    let sum = rowsSum(&own, ownAt, other, isItem, lane);
    var z = scoreValue(sum);
    #if ${hasBias}
    z += bias + biasAt(other);
    #endif
    let yHat = range(z);
    let dz = lossGrad(yHat, member.y) * uniforms.lossScale * rangeGrad(z);
    #if ${lanes > 1 && shuffles}
    if (k >= nMembers) { continue; }
    #endif
    lossSum += ifFinite(z, loss(yHat, member.y));
    biasGrad += dz;
    for (var j = 0u; j < OWN_VECS; j++) {
      let i = columnOf(j, lane);
      #if ${lanes > 1}
      if (i >= FACTOR_VECS) { break; }
      #endif
      let other4 = paramAt(other + i);
      ${ownGrad}
    }
  }
  if (nMembers == 0u) { return; }
  if (!isItem && lane == 0u) { lossOf[t] = lossSum; }
  let span = spanOf(step + 1u, touch.idleEnd, replayEnd);
  advanceRow(touch.row ^ 1u, lane, &own, &grad, bias, biasGrad, step, span);
}
`;
};

const UNIFORMS = { ...LAZY_UNIFORMS, nUsers: 'u32', lossScale: 'f32' } as const;

const header = ({ lanes, shuffles }: LazyVariant) =>
  lanes > 1 && shuffles ? 'enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n' : '';

const buffersOf = (variant: LazyVariant) =>
  ({
    steps: read(stepStruct(variant.optimizer, variant.idle, variant.ownBiasDecay)),
    touches: read(RowTouch),
    members: read(Member),
    lossOf: 'read_write array<f32>',
    ...copyBuffers(variant),
    ...stateBuffers(variant.optimizer),
  }) as const;

/** One step: touches [firstTouch, firstTouch + nTouches), those of step `step` of the window. */
export const lazyStep = (variant: LazyVariant) =>
  defineKernel({
    name: `lazyStep[${variantName(variant)}]`,
    workgroupSize: 64,
    uniforms: UNIFORMS,
    immediates: { step: 'u32', firstTouch: 'u32', nTouches: 'u32', replayEnd: 'u32' },
    buffers: buffersOf(variant),
    ops: [variant.loss, variant.range, variant.score, variant.optimizer],
    code: (declarations) => wgsl`${header(variant)}${declarations}${stepRow(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let t = i / LANES;
  stepRow(immediates.firstTouch + t, t < immediates.nTouches, i % LANES, immediates.step, immediates.replayEnd);
}
`,
  });

/** Steps [begin, end) of a window, made by one workgroup. */
export const lazySteps = (variant: LazyVariant, workgroupSize: number) =>
  defineKernel({
    name: `lazySteps[${variantName(variant)}, ${workgroupSize} invocations]`,
    workgroupSize,
    uniforms: UNIFORMS,
    immediates: { begin: 'u32', end: 'u32', replayEnd: 'u32' },
    buffers: buffersOf(variant),
    ops: [variant.loss, variant.range, variant.score, variant.optimizer],
    code: (declarations) => wgsl`${header(variant)}${declarations}${stepRow(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) index: u32) {
  for (var step = immediates.begin; step < immediates.end; step++) {
    let firstTouch = steps[step].firstTouch;
    let nTouches = steps[step + 1u].firstTouch - firstTouch;
    for (var t = index / LANES; t - index / LANES < nTouches; t += WORKGROUP_SIZE / LANES) {
      stepRow(firstTouch + t, t < nTouches, index % LANES, step, immediates.replayEnd);
    }
    storageBarrier();
  }
}
`,
  });
