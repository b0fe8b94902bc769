// Raw score of each rating of a batch, from its gathered rows.
//   maths     sums[k] = sum over the factors: scoreSum(users[k], items[k])   z[k] = value(sums[k]) + the two biases
//   mapping   one invocation per rating
//   cost      2 nFactors flop and 8 rowStride bytes per rating
//   races     none: one writer per element
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { type ScoreOp, scoreSumType } from '../../ops/score.js';

export const scores = (score: ScoreOp, hasBias: boolean) =>
  defineKernel({
    name: `scores[${score.name}, ${hasBias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    uniforms: { factorVecs: 'u32', rowVecs: 'u32' },
    immediates: { nRatings: 'u32' },
    buffers: {
      users: 'read array<vec4f>',
      items: 'read array<vec4f>',
      sums: 'read_write array<ScoreSum>',
      z: 'read_write array<f32>',
    },
    ops: [score],
    code: (declarations) => wgsl`${declarations}${scoreSumType(score)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= immediates.nRatings) { return; }
  let row = k * uniforms.rowVecs;
  var sum = ScoreSum();
  for (var f = 0u; f < uniforms.factorVecs; f++) { sum += scoreSum(users[row + f], items[row + f]); }
  var value = scoreValue(sum);
  #if ${hasBias}
  value += users[row + uniforms.factorVecs].x + items[row + uniforms.factorVecs].x;
  #endif
  sums[k] = sum;
  z[k] = value;
}
`,
  });
