// Loss of each rating of a batch and its gradient with respect to the raw score.
//   maths     loss = L(yHat[k], y[k]), NaN unless z[k] is finite;
//             dz = L'(yHat[k], y[k]) lossScale range'(z[k])   (lossScale = 1 / batch size: the loss is the batch mean)
//   mapping   one invocation per rating
//   races     none: one writer per element
import { defineKernel, read, readWrite } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../../ops/finite.js';
import type { LossOp } from '../../ops/loss.js';
import type { RangeOp } from '../../ops/range.js';
import { type ScoreOp, scoreSumType } from '../../ops/score.js';
import { outcomeStruct, Rating } from '../../ops/structs.js';

export const lossBackward = (loss: LossOp, range: RangeOp, score: ScoreOp) =>
  defineKernel({
    name: `lossBackward[${loss.name}, ${range.name}, ${score.name}]`,
    workgroupSize: 64,
    uniforms: { lossScale: 'f32' },
    immediates: { first: 'u32', nRatings: 'u32' },
    buffers: {
      ratings: read(Rating),
      sums: 'read array<ScoreSum>',
      z: 'read array<f32>',
      yHat: 'read array<f32>',
      outcomes: readWrite(outcomeStruct(score)),
    },
    ops: [loss, range],
    code: (declarations) => wgsl`${declarations}${scoreSumType(score)}${ifFiniteWgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= immediates.nRatings) { return; }
  let y = ratings[immediates.first + k].y;
  let dz = lossGrad(yHat[k], y) * uniforms.lossScale * rangeGrad(z[k]);
  outcomes[immediates.first + k] = Outcome(ifFinite(z[k], loss(yHat[k], y)), dz, sums[k]);
}
`,
  });
