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
import { stateBuffers, updateThenIdle } from '../ops/optimizer.js';
import { CHUNK, Member, RowTouch, stepStruct } from '../ops/structs.js';
import { chunkSlots, lanesHeader, sumMembers } from './lazy-gradient.js';
import { advanceRow, copyBuffers, LAZY_UNIFORMS, type LazyVariant, rowAccess, spans, variantName } from './lazy-rows.js';

/** `stepRow(t, hasTouch, lane, step, replayEnd)`: a lane's share of what touch t asks for. */
const stepRow = (variant: LazyVariant) => {
  const { hasBias, lanes, shuffles, replays, splitsLongRows, idle } = variant;
  const advance = wgsl`
  #if ${replays}
  update(&p, &mi, &vi, grad, steps[step].rate, wd);
  for (var t = step + 1u; t < span.mid; t++) { update(&p, &mi, &vi, vec4f(), steps[t].rate, wd); }
  if (span.mid < span.end) { idle(&p, &mi, &vi, wdDecay, span.decays, before, after); }
  #else
  updateThenIdle(&p, &mi, &vi, grad, steps[step].rate, wd, wdDecay, span.decays, before, after);
  #endif`;
  return wgsl`${rowAccess(variant)}${sumMembers(variant)}${idle.wgsl}${updateThenIdle(idle)}${spans(variant)}${advanceRow(variant, advance)}
#if ${splitsLongRows}
const CHUNK = ${CHUNK}u;
${chunkSlots}
// Adds what lazyPartials left of a long row, in the order of its chunks.
fn addPartials(touch: RowTouch, isItem: bool, step: u32, lane: u32, out: ptr<function, RowSums>) {
  let sideSize = (steps[step + 1u].firstMember - steps[step].firstMember) / 2u;
  let side = select(0u, 1u, isItem);
  let place = touch.begin - steps[step].firstMember - side * sideSize;
  let firstSlot = side * uniforms.slotsPerSide;
  let nChunks = (touch.end - touch.begin + CHUNK - 1u) / CHUNK;
  for (var c = 0u; c < nChunks; c++) {
    let at = (firstSlot + chunkSlot(place, c)) * (FACTOR_VECS + 1u);
    for (var j = 0u; j < OWN_VECS; j++) {
      let i = columnOf(j, lane);
      if (i >= FACTOR_VECS) { break; }
      (*out).grad[j] += partials[at + i];
    }
    (*out).bias += partials[at + FACTOR_VECS].x;
    (*out).loss += partials[at + FACTOR_VECS].y;
  }
}
#endif
fn stepRow(t: u32, hasTouch: bool, lane: u32, step: u32, replayEnd: u32) {
  var touch = RowTouch();
  if (hasTouch) { touch = touches[t]; }
  let nMembers = touch.end - touch.begin;
  #if ${lanes === 1 || !shuffles}
  if (nMembers == 0u) { return; }
  #endif
  let isItem = (touch.row >> 1u) >= uniforms.nUsers;
  let ownAt = rowAt(touch.row);
  var own: array<vec4f, OWN_VECS>;
  loadOwn(ownAt, lane, &own);
  var bias = 0.0;
  #if ${hasBias}
  bias = biasAt(ownAt);
  #endif
  var sums = RowSums();
  #if ${splitsLongRows}
  sumMembers(touch.begin, select(nMembers, 0u, nMembers > CHUNK), ownAt, isItem, lane, &own, bias, &sums);
  if (nMembers > CHUNK) { addPartials(touch, isItem, step, lane, &sums); }
  #else
  sumMembers(touch.begin, nMembers, ownAt, isItem, lane, &own, bias, &sums);
  #endif
  if (nMembers == 0u) { return; }
  if (!isItem && lane == 0u) { lossOf[t] = sums.loss; }
  let span = spanOf(step + 1u, touch.idleEnd, replayEnd);
  var grad = sums.grad; // Naga, which compiles for Firefox and Deno, passes no pointer to a member
  advanceRow(touch.row ^ 1u, lane, &own, &grad, bias, sums.bias, step, span);
}
`;
};

/** What all that make steps are told. */
const UNIFORMS = { ...LAZY_UNIFORMS, nUsers: 'u32', lossScale: 'f32', slotsPerSide: 'u32' } as const;

const buffersOf = (variant: LazyVariant) =>
  ({
    steps: read(stepStruct(variant.optimizer, variant.idle, variant.ownBiasDecay)),
    touches: read(RowTouch),
    members: read(Member),
    lossOf: 'read_write array<f32>',
    ...copyBuffers(variant),
    ...stateBuffers(variant.optimizer),
    ...(variant.splitsLongRows && { partials: 'read array<vec4f>' as const }),
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
    code: (declarations) => wgsl`${lanesHeader(variant)}${declarations}${stepRow(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let t = i / LANES;
  stepRow(immediates.firstTouch + t, t < immediates.nTouches, i % LANES, immediates.step, immediates.replayEnd);
}
`,
  });

/**
 * The next step of a window, which the kernel counts itself: `progress` holds the step and how many workgroups have done it. So
 * a step is a dispatch without a value of its own, which costs the host least; `groups` are as many for every step. Nobody
 * waits for anybody: all read the step before the first of their workgroup says that it is done, and the last
 * workgroup to say so moves the step on, for the next dispatch to see.
 */
export const lazyCountedStep = (variant: LazyVariant) =>
  defineKernel({
    name: `lazyCountedStep[${variantName(variant)}]`,
    workgroupSize: 64,
    uniforms: UNIFORMS,
    buffers: { ...buffersOf(variant), progress: 'read_write array<atomic<u32>>' },
    ops: [variant.loss, variant.range, variant.score, variant.optimizer],
    code: (declarations) => wgsl`${lanesHeader(variant)}${declarations}${stepRow(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) index: u32
) {
  let step = atomicLoad(&progress[0]);
  workgroupBarrier();
  let i = threadIndex(id, groups);
  let t = i / LANES;
  let firstTouch = steps[step].firstTouch;
  stepRow(firstTouch + t, t < steps[step + 1u].firstTouch - firstTouch, i % LANES, step, 0u);
  if (index == 0u && atomicAdd(&progress[1], 1u) == groups.x * groups.y - 1u) {
    atomicStore(&progress[1], 0u);
    atomicStore(&progress[0], step + 1u);
  }
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
    code: (declarations) => wgsl`${lanesHeader(variant)}${declarations}${stepRow(variant)}
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
