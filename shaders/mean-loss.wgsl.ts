// Batch losses of a chunk of steps from the losses of its ratings.
//   maths     meanLosses[s] = sum over the ratings k of step s: losses[k] / batchSize
//   mapping   one workgroup per step: strided partial sums, then a tree
//   races     none: one writer per element
import { defineKernel } from '../src/gpu/kernel.js';
import { wgsl } from '../src/gpu/wgsl.js';
import { treeSum } from './ops/tree-sum.js';

export const meanLoss = defineKernel({
  name: 'meanLoss',
  workgroupSize: 64,
  uniforms: { batchSize: 'u32' },
  immediates: { nSteps: 'u32' },
  buffers: { losses: 'read array<f32>', meanLosses: 'read_write array<f32>' },
  code: (declarations) => wgsl`${declarations}
${treeSum('f32', 64)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let step = groupIndex(group, groups);
  var sum = 0.0;
  if (step < immediates.nSteps) {
    for (var k = lane; k < uniforms.batchSize; k += WORKGROUP_SIZE) { sum += losses[step * uniforms.batchSize + k]; }
  }
  sum = treeSum(sum, lane);
  if (lane == 0u && step < immediates.nSteps) { meanLosses[step] = sum / f32(uniforms.batchSize); }
}
`,
});
