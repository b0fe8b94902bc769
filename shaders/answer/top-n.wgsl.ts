// The best items of each user of a block, over a range of items; nothing of size users x items exists.
//   maths     z = score(u, i) + bu + bi of every item in [begin, end) that the user's list does not exclude; the nKept best, in the
//             order of z descending, then of item ascending (a total order: the result does not depend on the division of work).
//             Where a score is not finite, the user's list holds one that is not: comparisons alone would pass over NaN
//   mapping   one invocation per (four users, slice of the range); it scores four items at a time, so that eight loads
//             feed sixteen dot products. Slices keep a device busy where users are few; the host merges their lists
//   selection a binary heap per user and slice in memory, the worst kept item at its root. Almost every score ends at one
//             comparison with that root: of N items in random order about nKept ln(N / nKept) enter, log2(nKept) steps each
//   cost      nFactors multiply-adds and 2 nFactors bytes per user and item; 8 nKept bytes per heap
//   races     none: heap h owns topZ and topItem [h nKept, (h + 1) nKept)
//   needs     ranges dispatched in ascending order from item 1 (row 0 is #na#, and marks places left empty); `asked` padded
//             to whole fours; excluded lists ascending. The range that ends at nItems sorts the heaps, best first
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../ops/finite.js';
import { type ScoreOp, scoreSumType } from '../ops/score.js';
import { Asked } from '../ops/structs.js';

/** Users of one invocation. */
export const USERS_PER_THREAD = 4;

/** The components of a vec4: each of four users, and each of four items. */
const FOUR = ['x', 'y', 'z', 'w'];
const PAIRS = FOUR.flatMap((item, i) => FOUR.map((user, u) => ({ item, user, i, u })));
const lines = <T>(list: readonly T[], line: (each: T) => string) => list.map(line).join('\n      ');

export const topN = (score: ScoreOp, hasBias: boolean) =>
  defineKernel({
    name: `topN[${score.name}, ${hasBias ? 'bias' : 'no bias'}]`,
    workgroupSize: 64,
    // nFours: fours of users; itemOffset: the first vec4 of item 0 in `items`; nKept: places in each list
    uniforms: { nFours: 'u32', nItems: 'u32', nSlices: 'u32', nKept: 'u32', itemOffset: 'u32', factorVecs: 'u32', rowVecs: 'u32' },
    immediates: { begin: 'u32', end: 'u32' },
    buffers: {
      users: 'read array<vec4f>',
      items: 'read array<vec4f>',
      asked: read(Asked),
      excluded: 'read array<u32>',
      topZ: 'read_write array<f32>',
      topItem: 'read_write array<u32>',
    },
    ops: [score],
    code: (declarations) => wgsl`${declarations}${scoreSumType(score)}${ifFiniteWgsl}
const LOWEST = -3.4e38;

fn isBetter(zA: f32, itemA: u32, zB: f32, itemB: u32) -> bool { return zA > zB || (zA == zB && itemA < itemB); }

// Puts (z, item) in place of the root of the heap of size entries at base.
fn replaceRoot(base: u32, size: u32, z: f32, item: u32) {
  var hole = 0u;
  for (var child = 1u; child < size; child = 2u * hole + 1u) {
    var c = base + child;
    if (child + 1u < size && isBetter(topZ[c], topItem[c], topZ[c + 1u], topItem[c + 1u])) { child++; c++; }
    if (!isBetter(z, item, topZ[c], topItem[c])) { break; }
    topZ[base + hole] = topZ[c];
    topItem[base + hole] = topItem[c];
    hole = child;
  }
  topZ[base + hole] = z;
  topItem[base + hole] = item;
}

fn isExcluded(item: u32, user: u32) -> bool {
  var begin = asked[user].begin;
  var end = asked[user].end;
  let last = end;
  while (begin < end) {
    let middle = (begin + end) / 2u;
    if (excluded[middle] < item) { begin = middle + 1u; } else { end = middle; }
  }
  return begin < last && excluded[begin] == item;
}

// Enters an item into the heaps of those of the four users from \`user\` on whose root it beats; roots holds their scores.
fn offer(item: u32, z: vec4f, roots: ptr<function, vec4f>, user: u32, base: u32) {
  for (var u = 0u; u < 4u; u++) {
    if (z[u] > (*roots)[u] && !isExcluded(item, user + u)) {
      let heap = base + u * uniforms.nSlices * uniforms.nKept;
      replaceRoot(heap, uniforms.nKept, z[u], item);
      (*roots)[u] = topZ[heap];
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = threadIndex(id, groups);
  let slice = t / uniforms.nFours;
  if (slice >= uniforms.nSlices) { return; }
  let user = 4u * (t % uniforms.nFours);
  let nKept = uniforms.nKept;
  let base = (user * uniforms.nSlices + slice) * nKept;
  let stride = uniforms.nSlices * nKept;
  if (immediates.begin == 1u) {
    for (var u = 0u; u < 4u; u++) {
      for (var i = base + u * stride; i < base + u * stride + nKept; i++) { topZ[i] = LOWEST; topItem[i] = 0u; }
    }
  }

  let userRow = uniforms.rowVecs * vec4u(asked[user].row, asked[user + 1u].row, asked[user + 2u].row, asked[user + 3u].row);
  var bias = vec4f();
  #if ${hasBias}
  let b = userRow + uniforms.factorVecs;
  bias = vec4f(users[b.x].x, users[b.y].x, users[b.z].x, users[b.w].x);
  #endif
  let sliceSize = (immediates.end - immediates.begin + uniforms.nSlices - 1u) / uniforms.nSlices;
  let begin = immediates.begin + slice * sliceSize;
  let end = min(begin + sliceSize, immediates.end);
  var roots = vec4f(topZ[base], topZ[base + stride], topZ[base + 2u * stride], topZ[base + 3u * stride]);
  var sum = vec4f(); // of all scores of a user: not finite if one is not
  for (var item = begin; item < end; item += 4u) {
    let row = uniforms.itemOffset + uniforms.rowVecs * min(vec4u(item, item + 1u, item + 2u, item + 3u), vec4u(end - 1u));
    ${lines(PAIRS, ({ item, user }) => `var sum_${item}${user} = ScoreSum();`)}
    for (var f = 0u; f < uniforms.factorVecs; f++) {
      ${lines(FOUR, (user) => `let u_${user} = users[userRow.${user} + f];`)}
      ${lines(FOUR, (item) => `let i_${item} = items[row.${item} + f];`)}
      ${lines(PAIRS, ({ item, user }) => `sum_${item}${user} += scoreSum(u_${user}, i_${item});`)}
    }
    var z = array(bias, bias, bias, bias);
    ${lines(PAIRS, ({ item, user, i, u }) => `z[${i}][${u}] += scoreValue(sum_${item}${user});`)}
    #if ${hasBias}
    let c = row + uniforms.factorVecs;
    z[0] += items[c.x].x;
    z[1] += items[c.y].x;
    z[2] += items[c.z].x;
    z[3] += items[c.w].x;
    #endif
    sum += z[0] + z[1] + z[2] + z[3];
    if (any(max(max(z[0], z[1]), max(z[2], z[3])) > roots)) {
      for (var i = 0u; i < min(4u, end - item); i++) { offer(item + i, z[i], &roots, user, base); }
    }
  }

  for (var u = 0u; u < 4u; u++) {
    let heap = base + u * stride;
    topZ[heap] = ifFinite(sum[u], topZ[heap]);
  }

  if (immediates.end < uniforms.nItems) { return; }
  for (var u = 0u; u < 4u; u++) {
    let heap = base + u * stride;
    for (var size = nKept - 1u; size > 0u; size--) {
      let z = topZ[heap + size];
      let item = topItem[heap + size];
      topZ[heap + size] = topZ[heap];
      topItem[heap + size] = topItem[heap];
      replaceRoot(heap, size, z, item);
    }
  }
}
`,
  });
