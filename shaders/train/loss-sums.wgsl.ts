// Sums of losses over segments, such as a batch each; the host adds a segment's blocks in float64.
//   maths     lossSums[segment, b] = sum over the k of block b of [begin, end) of the segment: losses[stride k]
//   mapping   one invocation per block of LOSS_BLOCK losses: no barriers, which cost software adapters more than the sum
//   cost      4 bytes per loss
//   races     none: one writer per element
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { Segment } from '../ops/structs.js';

/** Losses that one invocation adds up. */
export const LOSS_BLOCK = 64;

export const lossSums = defineKernel({
  name: 'lossSums',
  workgroupSize: 64,
  // Each segment has room for `blocks` sums. Where each loss is the first of several floats, `stride` is their number.
  uniforms: { blocks: 'u32', stride: 'u32' },
  immediates: { nSegments: 'u32' },
  buffers: { segments: read(Segment), losses: 'read array<f32>', lossSums: 'read_write array<f32>' },
  code: (declarations) => wgsl`${declarations}
const LOSS_BLOCK = ${LOSS_BLOCK}u;
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= immediates.nSegments * uniforms.blocks) { return; }
  let segment = segments[i / uniforms.blocks];
  let begin = segment.begin + (i % uniforms.blocks) * LOSS_BLOCK;
  let end = min(begin + LOSS_BLOCK, segment.end);
  var sum = 0.0;
  for (var k = begin; k < end; k++) { sum += losses[k * uniforms.stride]; }
  lossSums[i] = sum;
}
`,
});
