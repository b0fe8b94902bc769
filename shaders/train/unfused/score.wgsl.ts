// Raw score of each rating of a batch, from its gathered rows.
//   maths     z[k] = sum_f users[k, f] items[k, f] + users[k, biasColumn] + items[k, biasColumn]
//   mapping   one invocation per rating
//   cost      2 nFactors flop and 8 rowStride bytes per rating
//   races     none: one writer per element
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';

export const dotBias = (bias: boolean) =>
  defineKernel({
    name: `dotBias[${bias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    uniforms: { batchSize: 'u32', rowStride: 'u32', nFactors: 'u32', biasColumn: 'u32' },
    buffers: { users: 'read array<f32>', items: 'read array<f32>', z: 'read_write array<f32>' },
    code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= uniforms.batchSize) { return; }
  let row = k * uniforms.rowStride;
  var score = 0.0;
  for (var f = 0u; f < uniforms.nFactors; f++) { score += users[row + f] * items[row + f]; }
  #if ${bias}
  score += users[row + uniforms.biasColumn] + items[row + uniforms.biasColumn];
  #endif
  z[k] = score;
}
`,
  });
