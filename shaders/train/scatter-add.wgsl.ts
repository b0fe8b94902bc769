// Gradient of the embedding tables: each touched row sums over its ratings in the batch, in a fixed order.
//   maths     grad[r, :] = sum over ratings k of row r: dz[k] d score / d row   grad[r].bias = sum dz[k]
//   mapping   one invocation per (touch, four columns); neighbours share a row, so reads of the other rows coalesce
//   cost      2 nRatings rowStride multiply-adds
//   races     none: invocation (touch, columns) owns these columns of the row; no atomics, so the bits repeat
//   needs     the batch grouped by row: members[touch.begin .. touch.end) are its ratings; grad zero in all other rows
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { type ScoreOp, scoreSumType } from '../ops/score.js';
import { outcomeStruct, Rating, Touch } from '../ops/structs.js';

export const scatterAdd = (score: ScoreOp) =>
  defineKernel({
    name: `scatterAdd[${score.name}]`,
    workgroupSize: 64,
    uniforms: { factorVecs: 'u32', rowVecs: 'u32' },
    immediates: { firstTouch: 'u32', nTouches: 'u32' },
    buffers: {
      ratings: read(Rating),
      touches: read(Touch),
      members: 'read array<u32>',
      param: 'read array<vec4f>',
      outcomes: read(outcomeStruct(score)),
      grad: 'read_write array<vec4f>',
    },
    ops: [score],
    code: (declarations) => wgsl`${declarations}${scoreSumType(score)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let column = i % uniforms.rowVecs;
  let t = i / uniforms.rowVecs;
  if (t >= immediates.nTouches) { return; }
  let touch = touches[immediates.firstTouch + t];
  let own = param[touch.row * uniforms.rowVecs + column];
  var sum = vec4f();
  for (var j = touch.begin; j < touch.end; j++) {
    let k = members[j];
    let outcome = outcomes[k];
    if (column == uniforms.factorVecs) {
      sum.x += outcome.dz;
    } else if (touch.isItem == 1u) {
      sum += outcome.dz * scoreItemGrad(param[ratings[k].user * uniforms.rowVecs + column], own, outcome.sum);
    } else {
      sum += outcome.dz * scoreUserGrad(own, param[ratings[k].item * uniforms.rowVecs + column], outcome.sum);
    }
  }
  grad[touch.row * uniforms.rowVecs + column] = sum;
}
`,
  });
