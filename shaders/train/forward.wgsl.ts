// Forward pass and the gradient of the scores, fused: gather, dotBias, sigmoidRange and lossBackward in one dispatch.
//   maths     z = u . i + bu + bi;  yHat = range(z);  losses[k] = L(yHat, y);  dz[k] = L'(yHat, y) / batchSize * range'(z)
//   mapping   one invocation per rating, rows read four columns at a time
//   cost      2 nFactors flop and 8 rowStride bytes per rating; gathered rows, z and yHat never touch memory
//   races     none: one writer per element
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import type { LossOp } from '../ops/loss.js';
import { score } from '../ops/score.js';
import type { RangeOp } from '../ops/range.js';
import { ratingStruct } from '../ops/structs.js';

export const forward = (loss: LossOp, range: RangeOp, bias: boolean) =>
  defineKernel({
    name: `forward[${loss.name}, ${range.name}, ${bias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    uniforms: { batchSize: 'u32', factorVecs: 'u32', rowVecs: 'u32', lo: 'f32', hi: 'f32' },
    immediates: { first: 'u32' },
    buffers: { ratings: 'read array<Rating>', param: 'read array<vec4f>', losses: 'read_write array<f32>', dz: 'read_write array<f32>' },
    code: (declarations) => wgsl`${declarations}
${ratingStruct}${loss.wgsl}${range.wgsl}${score(bias)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= uniforms.batchSize) { return; }
  let rating = ratings[immediates.first + k];
  let z = score(rating.user * uniforms.rowVecs, rating.item * uniforms.rowVecs, uniforms.factorVecs);
  let yHat = predict(z, uniforms.lo, uniforms.hi);
  losses[immediates.first + k] = loss(yHat, rating.y);
  dz[k] = lossGrad(yHat, rating.y) / f32(uniforms.batchSize) * predictGrad(z, uniforms.lo, uniforms.hi);
}
`,
  });
