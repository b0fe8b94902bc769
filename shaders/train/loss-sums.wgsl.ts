// Sums of the ratings' losses over blocks of a batch; the host adds a step's blocks in float64.
//   maths     lossSums[step, b] = sum over the ratings k of block b of the step: losses[stride k]
//   mapping   one invocation per block of LOSS_BLOCK ratings: no barriers, which cost software adapters more than the sum
//   cost      4 bytes per rating
//   races     none: one writer per element
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';

/** Ratings that one invocation adds up. */
export const LOSS_BLOCK = 64;

/** Blocks of a batch, the last one perhaps shorter. */
export const lossBlocks = (batchSize: number) => Math.ceil(batchSize / LOSS_BLOCK);

export const lossSums = defineKernel({
  name: 'lossSums',
  workgroupSize: 64,
  // Where each rating's loss is the first of several floats, `stride` is their number.
  uniforms: { batchSize: 'u32', stride: 'u32' },
  immediates: { nSteps: 'u32' },
  buffers: { losses: 'read array<f32>', lossSums: 'read_write array<f32>' },
  code: (declarations) => wgsl`${declarations}
const LOSS_BLOCK = ${LOSS_BLOCK}u;
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let blocks = (uniforms.batchSize + LOSS_BLOCK - 1u) / LOSS_BLOCK;
  let step = i / blocks;
  if (step >= immediates.nSteps) { return; }
  let begin = (i % blocks) * LOSS_BLOCK;
  let end = min(begin + LOSS_BLOCK, uniforms.batchSize);
  var sum = 0.0;
  for (var k = begin; k < end; k++) { sum += losses[(step * uniforms.batchSize + k) * uniforms.stride]; }
  lossSums[i] = sum;
}
`,
});
