// The ratings of each side of each step sorted by row, equal rows in the order of their places, for batches of at most 256: one
// dispatch, where the radix sort of sort.wgsl.ts takes three for each digit.
//   maths     place of rating k in its segment (one side of one step) = number of the segment's ratings j with a smaller row,
//             and of those before k with the same row
//   mapping   one invocation per rating; a workgroup has as many whole segments as it holds
//   cost      12 bytes read, 12 written, batchSize words of workgroup memory read per rating
//   races     none: a barrier lies between the writing of the rows and their reading, and places are a permutation
import { defineKernel, read, readWrite } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { SideRating } from '../ops/structs.js';

/** The largest batch that it sorts. */
export const MOST_RANKED = 256;

export const rank = defineKernel({
  name: 'rank',
  workgroupSize: MOST_RANKED,
  uniforms: { batchSize: 'u32' },
  immediates: { nSegments: 'u32' },
  buffers: { unsorted: read(SideRating), sorted: readWrite(SideRating) },
  code: (declarations) => wgsl`${declarations}
var<workgroup> rows: array<u32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let perGroup = WORKGROUP_SIZE / uniforms.batchSize;
  let segment = groupIndex(id, groups) * perGroup + lane / uniforms.batchSize;
  let exists = lane < perGroup * uniforms.batchSize && segment < immediates.nSegments;
  let k = lane % uniforms.batchSize;
  var rating = SideRating();
  if (exists) {
    rating = unsorted[segment * uniforms.batchSize + k];
    rows[lane] = rating.row;
  }
  workgroupBarrier();
  if (!exists) { return; }
  let end = lane - k + uniforms.batchSize;
  var place = 0u;
  for (var j = lane - k; j < lane; j++) { place += u32(rows[j] <= rating.row); }
  for (var j = lane + 1u; j < end; j++) { place += u32(rows[j] < rating.row); }
  sorted[segment * uniforms.batchSize + place] = rating;
}
`,
});

/** Workgroups that sort so many segments. */
export const rankGroups = (nSegments: number, batchSize: number) => Math.ceil(nSegments / Math.floor(MOST_RANKED / batchSize));
