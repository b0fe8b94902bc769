// What the step kernel reads of a window: its touches and members, from ratings that are sorted by row.
//   maths     The run of a row within its segment (one side of one step) is the row's touch: the first rating of the run
//             writes it. Member: the other row in the copy that copies.wgsl.ts found for this step. idleEnd: the row's copy
//             stays the same from the next step on until its next touch, so the next change of its bits tells.
//             A side with no more rows than batchSize has a slot for each row, else one for each rating (that of its
//             first). Slots of rows that are not touched, or of ratings that are not the first, are all zeros.
//             Chunks: the gradient of a long row, of more than 256 members, is the sum of partial sums over 256 members
//             each. The chunk that begins at place p of its segment has slot 2 floor(p / 256) + (1 if it is the row's
//             first, else 0), which no other has: a long row that begins in a block of 256 places reaches beyond it, so
//             no second one does, and a later chunk belongs to the one row that came into the block from before.
//   mapping   one invocation per rating and side; the first of each block of 256 places finds the block's two chunks
//   cost      12 bytes read, 8 written, one word of copies at a random place; 16 written per slot, and 4 words read per touch
//   races     none: one writer per element
import { defineKernel, read, readWrite } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { CHUNK, Member, NO_CHUNK, RowTouch, SideRating } from '../ops/structs.js';

export const fill = defineKernel({
  name: 'fill',
  workgroupSize: 256,
  uniforms: { batchSize: 'u32', copyWords: 'u32', nUsers: 'u32', nItems: 'u32' },
  immediates: { nSteps: 'u32' },
  buffers: {
    sorted: read(SideRating),
    copies: 'read array<u32>',
    touches: readWrite(RowTouch),
    members: readWrite(Member),
    chunks: 'read_write array<u32>',
  },
  code: (declarations) => wgsl`${declarations}
fn copyAt(row: u32, step: u32) -> u32 { return (copies[row * uniforms.copyWords + (step >> 5u)] >> (step & 31u)) & 1u; }

// The next step that touches the row after step, or the number of steps.
fn nextTouch(row: u32, step: u32) -> u32 {
  let begin = step + 1u;
  let same = select(0u, 0xffffffffu, copyAt(row, begin) == 1u);
  var word = begin >> 5u;
  var other = (copies[row * uniforms.copyWords + word] ^ same) & (0xffffffffu << (begin & 31u));
  while (other == 0u) {
    word++;
    if (word == uniforms.copyWords) { return immediates.nSteps; }
    other = copies[row * uniforms.copyWords + word] ^ same;
  }
  return 32u * word + countTrailingZeros(other) - 1u;
}

struct Side { step: u32, begin: u32, end: u32, firstRow: u32, firstSlot: u32, nSlots: u32, slotPerRow: bool }

fn sideOf(i: u32) -> Side {
  let segment = i / uniforms.batchSize;
  let step = segment >> 1u;
  let slots = min(vec2u(uniforms.nUsers, uniforms.nItems), vec2u(uniforms.batchSize));
  let begin = segment * uniforms.batchSize;
  let end = begin + uniforms.batchSize;
  let firstSlot = step * (slots.x + slots.y);
  if ((segment & 1u) == 0u) { return Side(step, begin, end, 0u, firstSlot, slots.x, slots.x == uniforms.nUsers); }
  return Side(step, begin, end, uniforms.nUsers, firstSlot + slots.x, slots.y, slots.y == uniforms.nItems);
}

// The slot of the row whose run begins at i.
fn slotOf(i: u32, row: u32, side: Side) -> u32 {
  return side.firstSlot + select(i - side.begin, row - side.firstRow, side.slotPerRow);
}

// The first of the ratings [begin, end), or end, whose row is at least that row.
fn lowerBound(row: u32, begin: u32, end: u32) -> u32 {
  var lo = begin;
  var hi = end;
  while (lo < hi) {
    let mid = (lo + hi) >> 1u;
    if (sorted[mid].row < row) { lo = mid + 1u; } else { hi = mid; }
  }
  return lo;
}

// Where a run ends that reaches at least to i; most are short, so it looks twice as far ahead each time.
fn runEnd(i: u32, row: u32, side: Side) -> u32 {
  var ahead = 1u;
  while (i + ahead < side.end && sorted[i + ahead].row == row) { ahead *= 2u; }
  return lowerBound(row + 1u, i + ahead / 2u, min(i + ahead, side.end));
}

struct Run { begin: u32, touch: u32, isLong: bool }

// The run to which rating i belongs.
fn runAt(i: u32, side: Side) -> Run {
  let row = sorted[i].row;
  let begin = lowerBound(row, side.begin, i);
  return Run(begin, slotOf(begin, row, side), runEnd(i, row, side) - begin > ${CHUNK}u);
}

// The chunks that begin in the block of places from i on: a later one of the row that comes in from before, and the first one
// of the row that goes on into the next block.
fn writeChunks(i: u32, side: Side) {
  var chunk = vec2u(${NO_CHUNK}u);
  let came = runAt(i, side);
  if (came.isLong && came.begin < i) {
    let begin = i + (came.begin - i) % ${CHUNK}u;
    if (begin < side.end && sorted[begin].row == sorted[i].row) { chunk.x = came.touch; }
  }
  if (i + ${CHUNK}u < side.end) {
    let goes = runAt(i + ${CHUNK}u, side);
    if (goes.isLong && goes.begin >= i && goes.begin < i + ${CHUNK}u) { chunk.y = goes.touch; }
  }
  let blocks = (uniforms.batchSize + ${CHUNK - 1}u) / ${CHUNK}u;
  let at = 2u * (side.begin / uniforms.batchSize * blocks + (i - side.begin) / ${CHUNK}u);
  chunks[at] = chunk.x;
  chunks[at + 1u] = chunk.y;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= 2u * immediates.nSteps * uniforms.batchSize) { return; }
  let side = sideOf(i);
  let place = i - side.begin;
  let rating = sorted[i];
  members[i] = Member(2u * rating.other + copyAt(rating.other, side.step), rating.y);
  if (place == 0u || sorted[i - 1u].row != rating.row) {
    let row = 2u * rating.row + copyAt(rating.row, side.step);
    touches[slotOf(i, rating.row, side)] =
      RowTouch(row, i, runEnd(i, rating.row, side), nextTouch(rating.row, side.step));
  } else if (!side.slotPerRow) {
    touches[side.firstSlot + place] = RowTouch();
  }
  if (side.slotPerRow && place < side.nSlots) {
    let row = side.firstRow + place;
    if (copyAt(row, side.step) == copyAt(row, side.step + 1u)) { touches[side.firstSlot + place] = RowTouch(); }
  }
  if (place % ${CHUNK}u == 0u) { writeChunks(i, side); }
}
`,
});
