// Embedding lookup: copies the table rows of a batch's users and items.
//   maths     users[k, :] = param[ratings[k].user, :]   items[k, :] = param[ratings[k].item, :]   k in the batch
//   mapping   one invocation per (k, four columns); neighbours share a row, so reads and writes coalesce
//   cost      64 bytes per (k, four columns)
//   races     none: one writer per element
import { defineKernel, read } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { Rating } from '../../ops/structs.js';

export const gather = defineKernel({
  name: 'gather',
  workgroupSize: 64,
  uniforms: { rowVecs: 'u32' },
  immediates: { first: 'u32', nRatings: 'u32' },
  buffers: {
    ratings: read(Rating),
    param: 'read array<vec4f>',
    users: 'read_write array<vec4f>',
    items: 'read_write array<vec4f>',
  },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let k = i / uniforms.rowVecs;
  let column = i % uniforms.rowVecs;
  if (k >= immediates.nRatings) { return; }
  let rating = ratings[immediates.first + k];
  users[i] = param[rating.user * uniforms.rowVecs + column];
  items[i] = param[rating.item * uniforms.rowVecs + column];
}
`,
});
