// Predictions of any pairs of a user row and an item row.
//   maths     yHat[k] = range(score(user[k], item[k]))
//   mapping   one invocation per pair
//   races     none: one writer per element
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { score } from '../ops/score.js';
import type { RangeOp } from '../ops/range.js';
import { ratingStruct } from '../ops/structs.js';

export const predict = (range: RangeOp, bias: boolean) =>
  defineKernel({
    name: `predict[${range.name}, ${bias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    uniforms: { factorVecs: 'u32', rowVecs: 'u32', lo: 'f32', hi: 'f32' },
    immediates: { nPairs: 'u32' },
    buffers: { ratings: 'read array<Rating>', param: 'read array<vec4f>', yHat: 'read_write array<f32>' },
    code: (declarations) => wgsl`${declarations}
${ratingStruct}${range.wgsl}${score(bias)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= immediates.nPairs) { return; }
  let z = score(ratings[k].user * uniforms.rowVecs, ratings[k].item * uniforms.rowVecs, uniforms.factorVecs);
  yHat[k] = predict(z, uniforms.lo, uniforms.hi);
}
`,
  });
