// Whether an array holds a number that is not finite, by bits: WGSL may assume that NaN and infinity never occur.
//   maths     found[0] = 1 if any exponent of values[0 .. nVecs) has all bits set; else found is left as it is
//   mapping   one invocation per four numbers
//   races     none: all who write store the same word, atomically
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';

export const nonFinite = defineKernel({
  name: 'nonFinite',
  workgroupSize: 64,
  uniforms: { nVecs: 'u32' },
  buffers: { values: 'read array<vec4f>', found: 'read_write array<atomic<u32>>' },
  code: (declarations) => wgsl`${declarations}
const EXPONENT = vec4u(0x7f800000u);
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= uniforms.nVecs) { return; }
  if (any((bitcast<vec4u>(values[i]) & EXPONENT) == EXPONENT)) { atomicStore(&found[0], 1u); }
}
`,
});
