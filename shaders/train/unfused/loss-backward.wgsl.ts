// Loss of each rating of a batch and its gradient with respect to the raw score.
//   maths     losses[k] = L(yHat[k], y[k])   dz[k] = L'(yHat[k], y[k]) / batchSize * dyHat/dz   (the loss is the batch mean)
//   mapping   one invocation per rating
//   races     none: one writer per element
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import type { LossOp } from '../../ops/loss.js';
import type { RangeOp } from '../../ops/range.js';
import { ratingStruct } from '../../ops/structs.js';

export const lossBackward = (loss: LossOp, range: RangeOp) =>
  defineKernel({
    name: `lossBackward[${loss.name}, ${range.name}]`,
    workgroupSize: 64,
    uniforms: { batchSize: 'u32', lo: 'f32', hi: 'f32' },
    immediates: { first: 'u32' },
    buffers: {
      ratings: 'read array<Rating>',
      z: 'read array<f32>',
      yHat: 'read array<f32>',
      losses: 'read_write array<f32>',
      dz: 'read_write array<f32>',
    },
    code: (declarations) => wgsl`${declarations}
${ratingStruct}${loss.wgsl}${range.wgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= uniforms.batchSize) { return; }
  let y = ratings[immediates.first + k].y;
  losses[immediates.first + k] = loss(yHat[k], y);
  dz[k] = lossGrad(yHat[k], y) / f32(uniforms.batchSize) * predictGrad(z[k], uniforms.lo, uniforms.hi);
}
`,
  });
