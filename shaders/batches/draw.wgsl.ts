// The ratings of a window of steps, drawn by their places in the epoch, and which rows each step touches.
//   maths     place k of the window, in step s = floor(k / batchSize), holds training row permute(n, key, first + k).
//             It is written for both of its sides: step s, side d begins at (2 s + d) batchSize.
//             Bit s of a row's words in `copies` is set if step s touches it (copies.wgsl.ts makes copies of these bits).
//   mapping   one invocation per rating
//   cost      12 bytes read at a random place, 24 written, two atomics; some 40 integer operations per pass of the permutation
//   races     bits are set by atomicOr, which gives the same words in any order; all else has one writer
//   needs     copies all zeros; items of `ratings` counted from the first item
import { defineKernel, read, readWrite } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { permuteWgsl } from '../ops/random.js';
import { Rating, SideRating } from '../ops/structs.js';

export const draw = defineKernel({
  name: 'draw',
  workgroupSize: 256,
  uniforms: { batchSize: 'u32', nUsers: 'u32', copyWords: 'u32' },
  immediates: { nRatings: 'u32', n: 'u32', key: 'u32', first: 'u32' },
  buffers: { ratings: read(Rating), drawn: readWrite(SideRating), copies: 'read_write array<atomic<u32>>' },
  code: (declarations) => wgsl`${declarations}${permuteWgsl}
fn markTouched(row: u32, step: u32) { atomicOr(&copies[row * uniforms.copyWords + (step >> 5u)], 1u << (step & 31u)); }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= immediates.nRatings) { return; }
  let rating = ratings[permute(immediates.n, immediates.key, immediates.first + k)];
  let step = k / uniforms.batchSize;
  let item = uniforms.nUsers + rating.item;
  let at = k + step * uniforms.batchSize;
  drawn[at] = SideRating(rating.user, item, rating.y);
  drawn[at + uniforms.batchSize] = SideRating(item, rating.user, rating.y);
  markTouched(rating.user, step);
  markTouched(item, step);
}
`,
});
