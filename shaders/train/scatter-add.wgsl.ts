// Gradient of the embedding tables: each touched row sums over its ratings in the batch, in a fixed order.
//   maths     grad[r, f] = sum over ratings k of row r: dz[k] other[k, f]   grad[r, biasColumn] = sum dz[k]
//             where other[k] is the item row of a user's rating k, and the user row of an item's
//   mapping   one invocation per (touch, column); neighbours share a row, so reads of `other` coalesce
//   cost      2 nRatings rowStride multiply-adds
//   races     none: invocation (touch, column) owns grad[row, column]; no atomics, so the bits repeat
//   needs     the batch grouped by row: members[touch.begin .. touch.end) are its ratings; grad zero in all other rows
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { ratingStruct, touchStruct } from '../ops/structs.js';

export const scatterAdd = defineKernel({
  name: 'scatterAdd',
  workgroupSize: 64,
  uniforms: { rowStride: 'u32', nFactors: 'u32', biasColumn: 'u32' },
  immediates: { first: 'u32', firstTouch: 'u32', nTouches: 'u32' },
  buffers: {
    ratings: 'read array<Rating>',
    touches: 'read array<Touch>',
    members: 'read array<u32>',
    param: 'read array<f32>',
    dz: 'read array<f32>',
    grad: 'read_write array<f32>',
  },
  code: (declarations) => wgsl`${declarations}
${ratingStruct}${touchStruct}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let column = i % uniforms.rowStride;
  let t = i / uniforms.rowStride;
  if (t >= immediates.nTouches) { return; }
  let touch = touches[immediates.firstTouch + t];
  var sum = 0.0;
  for (var j = touch.begin; j < touch.end; j++) {
    let k = members[j];
    if (column < uniforms.nFactors) {
      let other = select(ratings[k].item, ratings[k].user, touch.isItem == 1u);
      sum += dz[k - immediates.first] * param[other * uniforms.rowStride + column];
    } else if (column == uniforms.biasColumn) {
      sum += dz[k - immediates.first];
    }
  }
  grad[touch.row * uniforms.rowStride + column] = sum;
}
`,
});
