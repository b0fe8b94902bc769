// Sums of the loss, the squared and the absolute error over the ratings [begin, end); the host adds the workgroups' sums in float64.
//   maths     sums[firstSum + g] = sum over the ratings k of workgroup g: (L(yHat, y), (yHat - y)^2, |yHat - y|, 0),
//             all NaN where a score is not finite
//   mapping   one invocation per rating, then a tree over the workgroup
//   races     none: one writer per element
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../ops/finite.js';
import type { LossOp } from '../ops/loss.js';
import type { RangeOp } from '../ops/range.js';
import { type ScoreOp, scoreRows } from '../ops/score.js';
import { Rating } from '../ops/structs.js';
import { treeSum } from '../ops/tree-sum.js';

export const validate = (loss: LossOp, range: RangeOp, score: ScoreOp, hasBias: boolean) =>
  defineKernel({
    name: `validate[${loss.name}, ${range.name}, ${score.name}, ${hasBias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    uniforms: { factorVecs: 'u32', rowVecs: 'u32' },
    immediates: { begin: 'u32', end: 'u32', firstSum: 'u32' },
    buffers: { ratings: read(Rating), users: 'read array<vec4f>', items: 'read array<vec4f>', sums: 'read_write array<vec4f>' },
    ops: [loss, range, score],
    code: (declarations) => wgsl`${declarations}${scoreRows(score, hasBias)}${ifFiniteWgsl}${treeSum('vec4f', 64)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g = groupIndex(group, groups);
  let first = immediates.begin + g * WORKGROUP_SIZE;
  let k = first + lane;
  var errors = vec4f();
  if (k < immediates.end) {
    let user = ratings[k].user * uniforms.rowVecs;
    let item = ratings[k].item * uniforms.rowVecs;
    let y = ratings[k].y;
    let z = rowScore(user, item, uniforms.factorVecs, rowSum(user, item, uniforms.factorVecs));
    let yHat = range(z);
    let e = yHat - y;
    errors = vec4f(ifFinite(z, loss(yHat, y)), ifFinite(z, e * e), ifFinite(z, abs(e)), 0.0);
  }
  let sum = treeSum(errors, lane);
  if (lane == 0u && first < immediates.end) { sums[immediates.firstSum + g] = sum; }
}
`,
  });
