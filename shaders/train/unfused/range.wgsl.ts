// Predictions of a batch from its raw scores.
//   maths     yHat[k] = lo + (hi - lo) sigmoid(z[k]), or z[k] without a range
//   mapping   one invocation per rating
//   races     none: one writer per element
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import type { RangeOp } from '../../ops/range.js';

export const applyRange = (range: RangeOp) =>
  defineKernel({
    name: `sigmoidRange[${range.name}]`,
    workgroupSize: 64,
    uniforms: { batchSize: 'u32', lo: 'f32', hi: 'f32' },
    buffers: { z: 'read array<f32>', yHat: 'read_write array<f32>' },
    code: (declarations) => wgsl`${declarations}
${range.wgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= uniforms.batchSize) { return; }
  yHat[k] = predict(z[k], uniforms.lo, uniforms.hi);
}
`,
  });
