// Predictions of a batch from its raw scores.
//   maths     yHat[k] = range(z[k])
//   mapping   one invocation per rating
//   races     none: one writer per element
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import type { RangeOp } from '../../ops/range.js';

export const applyRange = (range: RangeOp) =>
  defineKernel({
    name: `applyRange[${range.name}]`,
    workgroupSize: 64,
    immediates: { nRatings: 'u32' },
    buffers: { z: 'read array<f32>', yHat: 'read_write array<f32>' },
    ops: [range],
    code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= immediates.nRatings) { return; }
  yHat[k] = range(z[k]);
}
`,
  });
