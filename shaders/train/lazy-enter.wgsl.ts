// Moves every row to the step of its first touch in a window, before the window's first step.
//   maths     the idle steps from the window's begin to that step, as lazy-step.wgsl.ts makes those after a touch
//   mapping   as in lazy-step.wgsl.ts
//   cost      24 rowStride bytes per row
//   races     none: one writer per element
//   needs     all rows in copy 0; entries[row] = 2 (step of the first touch, or the end of the window) + the copy that it reads
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { stateBuffers } from '../ops/optimizer.js';
import { stepStruct } from '../ops/structs.js';
import { advanceRow, copyBuffers, LAZY_UNIFORMS, type LazyVariant, rowAccess, spans, variantName } from './lazy-rows.js';

export const lazyEnter = (variant: LazyVariant) => {
  const { optimizer, idle, ownBiasDecay, hasBias, lanes } = variant;
  const advance = wgsl`
  for (var t = 0u; t < span.mid; t++) { update(&p, &mi, &vi, grad, steps[t].rate, wd); }
  if (span.mid < span.end) { idle(&p, &mi, &vi, wdDecay, span.decays, before, after); }`;
  return defineKernel({
    name: `lazyEnter[${variantName(variant)}]`,
    workgroupSize: 64,
    uniforms: LAZY_UNIFORMS,
    immediates: { replayEnd: 'u32' },
    buffers: {
      steps: read(stepStruct(optimizer, idle, ownBiasDecay)),
      entries: 'read array<u32>',
      ...copyBuffers(variant),
      ...stateBuffers(optimizer),
    },
    ops: [optimizer],
    code: (declarations) => wgsl`${declarations}${rowAccess(variant)}${idle.wgsl}${spans(variant)}${advanceRow(variant, advance)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let thread = threadIndex(id, groups);
  let row = thread / LANES;
  let lane = thread % LANES;
  if (row >= uniforms.nRows || entries[row] == 0u) { return; }
  let at = row * ROW_VECS;
  var own: array<vec4f, OWN_VECS>;
  var grad: array<vec4f, OWN_VECS>;
  for (var j = 0u; j < OWN_VECS; j++) {
    let i = columnOf(j, lane);
    #if ${lanes > 1}
    if (i >= FACTOR_VECS) { break; }
    #endif
    own[j] = paramAt(at + i);
  }
  var bias = 0.0;
  #if ${hasBias}
  bias = biasAt(at);
  #endif
  advanceRow(2u * row + (entries[row] & 1u), lane, &own, &grad, bias, 0.0, 0u, spanOf(0u, entries[row] >> 1u, immediates.replayEnd));
}
`,
  });
};
