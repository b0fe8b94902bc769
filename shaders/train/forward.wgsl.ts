// Forward pass and the gradient of the scores, fused: gather, scores, applyRange and lossBackward in one dispatch.
//   maths     z = score(u, i) + bu + bi;  yHat = range(z);  dz = L'(yHat, y) lossScale range'(z);
//             loss = L(yHat, y), NaN unless z is finite
//   mapping   one invocation per rating, rows read four columns at a time
//   cost      2 nFactors flop and 8 rowStride bytes per rating; gathered rows, z and yHat never touch memory
//   races     none: one writer per element
import { defineKernel, read, readWrite } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../ops/finite.js';
import type { LossOp } from '../ops/loss.js';
import type { RangeOp } from '../ops/range.js';
import { type ScoreOp, scoreRows } from '../ops/score.js';
import { outcomeStruct, Rating } from '../ops/structs.js';

export const forward = (loss: LossOp, range: RangeOp, score: ScoreOp, hasBias: boolean) =>
  defineKernel({
    name: `forward[${loss.name}, ${range.name}, ${score.name}, ${hasBias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    uniforms: { lossScale: 'f32', factorVecs: 'u32', rowVecs: 'u32' },
    immediates: { first: 'u32', nRatings: 'u32' },
    buffers: { ratings: read(Rating), param: 'read array<vec4f>', outcomes: readWrite(outcomeStruct(score)) },
    ops: [loss, range, score],
    code: (declarations) => wgsl`${declarations}${scoreRows(score, hasBias, 'param', 'param')}${ifFiniteWgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= immediates.nRatings) { return; }
  let k = immediates.first + i;
  let user = ratings[k].user * uniforms.rowVecs;
  let item = ratings[k].item * uniforms.rowVecs;
  let y = ratings[k].y;
  let sum = rowSum(user, item, uniforms.factorVecs);
  let z = rowScore(user, item, uniforms.factorVecs, sum);
  let yHat = range(z);
  outcomes[k] = Outcome(ifFinite(z, loss(yHat, y)), lossGrad(yHat, y) * uniforms.lossScale * rangeGrad(z), sum);
}
`,
  });
