// The ratings of each side of each step sorted by row, equal rows in the order of their places: a radix sort, stable, 8 bits
// of the row at a time, from the lowest on. For batches that no workgroup holds; rank.wgsl.ts is for others.
//   maths     A segment is one side of one step: batchSize ratings, cut into tiles of 256. For one digit of 8 bits:
//             countDigits    how often each digit occurs in each tile
//             scanDigits     of each digit, its count in the tiles before, and of the whole segment the counts of lower digits
//             scatterDigits  place of a rating = lower digits + same digit in tiles before + same digit before it in its tile.
//                            The last comes from one set of bits per digit (bit l: invocation l has this digit), in which
//                            the bits below one's own are counted.
//   mapping   count, scatter: a workgroup per tile, an invocation per rating. scan: a workgroup per segment, an invocation
//             per digit, which goes over the tiles 16 at a time, so that their loads do not wait for each other.
//   cost      12 bytes read, 12 written, 20 of counts per rating and digit (a tile's 256 counts are written once, read and
//             written by the scan, read by the scatter)
//   races     bits and counts in workgroup memory are set by integer atomics, which give the same words in any order; a
//             barrier comes before they are read. In storage each word has one writer.
//   layout    digits: of each segment nTiles rows of 256 counts, one row per tile, then a row for the lower digits
import { defineKernel, read, readWrite } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { SideRating } from '../ops/structs.js';

/** Ratings of a tile; also the number of digits, so that a workgroup has an invocation for each. */
export const TILE = 256;

/** Which rating of which tile an invocation has. Item rows are counted from the first item, to need few digits. */
const places = wgsl`
struct Place { segment: u32, tile: u32, at: u32, exists: bool }
fn placeOf(group: u32, lane: u32) -> Place {
  let segment = group / uniforms.nTiles;
  let tile = group % uniforms.nTiles;
  let at = tile * ${TILE}u + lane;
  return Place(segment, tile, segment * uniforms.batchSize + at, at < uniforms.batchSize);
}
fn digitOf(row: u32, segment: u32) -> u32 { return ((row - (segment & 1u) * uniforms.nUsers) >> immediates.shift) & 255u; }
fn rowOfDigits(segment: u32, tile: u32) -> u32 { return (segment * (uniforms.nTiles + 1u) + tile) * ${TILE}u; }
`;

const common = {
  workgroupSize: TILE,
  uniforms: { batchSize: 'u32', nTiles: 'u32', nUsers: 'u32' },
  immediates: { nGroups: 'u32', shift: 'u32' },
} as const;

export const countDigits = defineKernel({
  ...common,
  name: 'countDigits',
  buffers: { unsorted: read(SideRating), digits: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}${places}
var<workgroup> counts: array<atomic<u32>, ${TILE}>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = groupIndex(id, groups);
  if (group >= immediates.nGroups) { return; }
  let place = placeOf(group, lane);
  if (place.exists) { atomicAdd(&counts[digitOf(unsorted[place.at].row, place.segment)], 1u); }
  workgroupBarrier();
  digits[rowOfDigits(place.segment, place.tile) + lane] = atomicLoad(&counts[lane]);
}
`,
});

const TILES_AT_ONCE = 16;

export const scanDigits = defineKernel({
  name: 'scanDigits',
  workgroupSize: TILE,
  uniforms: { nTiles: 'u32' },
  immediates: { nGroups: 'u32' },
  buffers: { digits: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}
var<workgroup> sums: array<u32, ${TILE}>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let segment = groupIndex(id, groups);
  if (segment >= immediates.nGroups) { return; }
  let begin = segment * (uniforms.nTiles + 1u) * ${TILE}u + lane;
  let end = begin + uniforms.nTiles * ${TILE}u;
  var sum = 0u;
  for (var at = begin; at < end; at += ${TILES_AT_ONCE * TILE}u) {
    var counts = array<u32, ${TILES_AT_ONCE}>();
    for (var j = 0u; j < ${TILES_AT_ONCE}u; j++) {
      if (at + ${TILE}u * j < end) { counts[j] = digits[at + ${TILE}u * j]; }
    }
    for (var j = 0u; j < ${TILES_AT_ONCE}u; j++) {
      if (at + ${TILE}u * j < end) { digits[at + ${TILE}u * j] = sum; }
      sum += counts[j];
    }
  }
  // Sums over the lower digits: each round adds the sum that ends twice as far below.
  sums[lane] = sum;
  for (var reach = 1u; reach < ${TILE}u; reach *= 2u) {
    workgroupBarrier();
    var below = 0u;
    if (lane >= reach) { below = sums[lane - reach]; }
    workgroupBarrier();
    sums[lane] += below;
  }
  digits[end] = sums[lane] - sum;
}
`,
});

export const scatterDigits = defineKernel({
  ...common,
  name: 'scatterDigits',
  buffers: { unsorted: read(SideRating), digits: 'read array<u32>', sorted: readWrite(SideRating) },
  code: (declarations) => wgsl`${declarations}${places}
var<workgroup> sets: array<atomic<u32>, ${8 * TILE}>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = groupIndex(id, groups);
  if (group >= immediates.nGroups) { return; }
  let place = placeOf(group, lane);
  var rating = SideRating();
  var digit = 0u;
  if (place.exists) {
    rating = unsorted[place.at];
    digit = digitOf(rating.row, place.segment);
    atomicOr(&sets[8u * digit + lane / 32u], 1u << (lane % 32u));
  }
  workgroupBarrier();
  if (!place.exists) { return; }
  var rank = countOneBits(atomicLoad(&sets[8u * digit + lane / 32u]) & ((1u << (lane % 32u)) - 1u));
  for (var w = 0u; w < lane / 32u; w++) { rank += countOneBits(atomicLoad(&sets[8u * digit + w])); }
  let before = digits[rowOfDigits(place.segment, place.tile) + digit];
  let lower = digits[rowOfDigits(place.segment, uniforms.nTiles) + digit];
  sorted[place.segment * uniforms.batchSize + lower + before + rank] = rating;
}
`,
});
