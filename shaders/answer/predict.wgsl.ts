// Predictions of pairs of a user row and an item row, each in a buffer of its own (or the same one).
//   maths     yHat[k] = range(z(user[k], item[k])), NaN unless z is finite, for the pairs [begin, end)
//   mapping   one invocation per pair
//   races     none: one writer per element
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../ops/finite.js';
import type { RangeOp } from '../ops/range.js';
import { type ScoreOp, scoreRows } from '../ops/score.js';
import { Rating } from '../ops/structs.js';

export const predict = (range: RangeOp, score: ScoreOp, hasBias: boolean) =>
  defineKernel({
    name: `predict[${range.name}, ${score.name}, ${hasBias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    uniforms: { factorVecs: 'u32', rowVecs: 'u32' },
    immediates: { begin: 'u32', end: 'u32' },
    buffers: { ratings: read(Rating), users: 'read array<vec4f>', items: 'read array<vec4f>', yHat: 'read_write array<f32>' },
    ops: [range, score],
    code: (declarations) => wgsl`${declarations}${scoreRows(score, hasBias)}${ifFiniteWgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = immediates.begin + threadIndex(id, groups);
  if (k >= immediates.end) { return; }
  let user = ratings[k].user * uniforms.rowVecs;
  let item = ratings[k].item * uniforms.rowVecs;
  let z = rowScore(user, item, uniforms.factorVecs, rowSum(user, item, uniforms.factorVecs));
  yHat[k] = ifFinite(z, range(z));
}
`,
  });
