// Partial gradients of the rows of a step that have more than 256 ratings, so that no invocation goes through thousands of them.
//   maths     partials[slot] = gradient of the factors, of the bias, and loss, summed over 256 ratings of a row (fewer in its last
//             chunk), as lazy-step.wgsl.ts sums those of a row; the row's owner adds its chunks in order
//   mapping   `lanes` invocations per slot of `chunks`: two for each 256 ratings of a side, most of them empty
//   cost      as lazy-step.wgsl.ts for these ratings, and rowStride 4 bytes per chunk
//   races     none: one writer per slot
//   needs     chunks of the step: the touch whose chunk a slot holds, or NO_CHUNK
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { CHUNK, Member, NO_CHUNK, RowTouch, stepStruct } from '../ops/structs.js';
import { lanesHeader, sumMembers } from './lazy-gradient.js';
import { copyBuffers, type LazyVariant, rowAccess, variantName } from './lazy-rows.js';

export const lazyPartials = (variant: LazyVariant) =>
  defineKernel({
    name: `lazyPartials[${variantName(variant)}]`,
    workgroupSize: 64,
    uniforms: { nRows: 'u32', nUsers: 'u32', lossScale: 'f32', slotsPerSide: 'u32' },
    immediates: { step: 'u32' },
    buffers: {
      steps: read(stepStruct(variant.optimizer, variant.idle, variant.ownBiasDecay)),
      touches: read(RowTouch),
      members: read(Member),
      chunks: 'read array<u32>',
      partials: 'read_write array<vec4f>',
      ...copyBuffers(variant),
    },
    ops: [variant.loss, variant.range, variant.score],
    code: (declarations) => wgsl`${lanesHeader(variant)}${declarations}${rowAccess(variant)}${sumMembers(variant)}
const CHUNK = ${CHUNK}u;
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let thread = threadIndex(id, groups);
  let slot = thread / LANES;
  let lane = thread % LANES;
  let nSlots = 2u * uniforms.slotsPerSide;
  var t = ${NO_CHUNK}u;
  if (slot < nSlots) { t = chunks[immediates.step * nSlots + slot]; }
  var touch = RowTouch();
  var begin = 0u;
  var n = 0u;
  if (t != ${NO_CHUNK}u) {
    touch = touches[t];
    let firstMember = steps[immediates.step].firstMember;
    let side = slot / uniforms.slotsPerSide;
    let place = touch.begin - firstMember - side * (steps[immediates.step + 1u].firstMember - firstMember) / 2u;
    begin = touch.begin + CHUNK * ((slot % uniforms.slotsPerSide) / 2u - place / CHUNK);
    n = min(CHUNK, touch.end - begin);
  }
  let isItem = slot >= uniforms.slotsPerSide;
  let ownAt = rowAt(touch.row);
  var own: array<vec4f, OWN_VECS>;
  loadOwn(ownAt, lane, &own);
  var bias = 0.0;
  #if ${variant.hasBias}
  bias = biasAt(ownAt);
  #endif
  var sums = RowSums();
  sumMembers(begin, n, ownAt, isItem, lane, &own, bias, &sums);
  if (n == 0u) { return; }
  let at = slot * (FACTOR_VECS + 1u);
  for (var j = 0u; j < OWN_VECS; j++) {
    let i = columnOf(j, lane);
    #if ${variant.lanes > 1}
    if (i >= FACTOR_VECS) { break; }
    #endif
    partials[at + i] = sums.grad[j];
  }
  if (lane == 0u) { partials[at + FACTOR_VECS] = vec4f(sums.bias, sums.loss, 0.0, 0.0); }
}
`,
  });
