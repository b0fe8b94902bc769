// Embedding lookup: copies the table rows of a batch's users and items.
//   maths     users[k, :] = param[ratings[k].user, :]   items[k, :] = param[ratings[k].item, :]   k in the batch
//   mapping   one invocation per (k, column); neighbours share a row, so reads and writes coalesce
//   cost      16 bytes per (k, column)
//   races     none: one writer per element
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { ratingStruct } from '../../ops/structs.js';

export const gather = defineKernel({
  name: 'gather',
  workgroupSize: 64,
  uniforms: { batchSize: 'u32', rowStride: 'u32' },
  immediates: { first: 'u32' },
  buffers: { ratings: 'read array<Rating>', param: 'read array<f32>', users: 'read_write array<f32>', items: 'read_write array<f32>' },
  code: (declarations) => wgsl`${declarations}
${ratingStruct}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let k = i / uniforms.rowStride;
  let column = i % uniforms.rowStride;
  if (k >= uniforms.batchSize) { return; }
  let rating = ratings[immediates.first + k];
  users[i] = param[rating.user * uniforms.rowStride + column];
  items[i] = param[rating.item * uniforms.rowStride + column];
}
`,
});
