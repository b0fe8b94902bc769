// Training steps that touch only the rows of the batch, with dense Adam's numbers.
//   maths     forward: loss and d loss / d z of the ratings of the batch, as in forward.wgsl.ts.
//             update: the owner of a touched row sums its gradient, makes the Adam step, and then makes at once all the
//             idle steps until the row's next touch (src/idle-adam.ts), so that every row is always ready for its next
//             reader. At the end of a chunk of steps all rows are at the same step: the dense model.
//   mapping   forward: one invocation per rating. update: one per touched row (software adapters), or one per four
//             columns of it (GPUs). Two dispatches per step, or one workgroup that makes all steps of a chunk.
//   cost      6 nFactors flop per rating; 24 rowStride bytes and some 40 rowStride flop per touched row
//   races     none: the parameters have two copies. An update reads its row in one copy and writes the other, which no
//             reader of this step uses (src/paths/lazy-chunk.ts assigns the copies); m, v and outcomes have one writer.
//             Forward, update and steps are ordered by dispatches, or by storage barriers within the one workgroup.
//   needs     touches of a chunk, built backwards from its end: idleEnd is the next touch of the row, or the end
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { adam } from '../ops/adam.js';
import { idleAdam, stepStruct } from '../ops/idle-adam.js';
import type { LossOp } from '../ops/loss.js';
import type { RangeOp } from '../ops/range.js';

/** Words of a LazyTouch. */
export const LAZY_TOUCH_SIZE = 12;

export interface LazyVariant {
  readonly loss: LossOp;
  readonly range: RangeOp;
  readonly bias: boolean;
  /** vec4s of factors in a row, see RowLayout. */
  readonly factorVecs: number;
  /** Whether biases decay at a rate of their own. */
  readonly ownBiasDecay: boolean;
  /** Whether an invocation updates a whole row, or four columns of it. */
  readonly wholeRow: boolean;
}

const variantName = ({ loss, range, bias, factorVecs, ownBiasDecay, wholeRow }: LazyVariant) =>
  [
    loss.name,
    range.name,
    bias ? 'bias' : 'no bias',
    `${factorVecs} vec4s`,
    ...(ownBiasDecay ? ['wdBias'] : []),
    wholeRow ? 'rows' : 'columns',
  ].join(', ');

const structs = wgsl`
// Addresses (first vec4 in param) of the rows of a rating's user and item, in the copy to read.
struct LazyRating { user: u32, item: u32, y: f32 }
// Loss of a rating, and its gradient with respect to the score.
struct Outcome { loss: f32, dz: f32 }
// read, write: address of the row in the copy of param to read and to write; state: in m and v. Its ratings: members
// [begin, end), positions in ratings. The row is idle in steps idleBegin to idleEnd - 1; the decays are the products over
// those of them that the closed form covers: beta1, 1 - lr wd (factors and bias), sqrt(beta2).
struct LazyTouch {
  read: u32, write: u32, state: u32, begin: u32, end: u32, isItem: u32, idleBegin: u32, idleEnd: u32,
  beta1Decay: f32, wdDecay: f32, wdBiasDecay: f32, rootDecay: f32,
}
`;

/** Invocations that update a touched row. */
export const lazyShares = ({ bias, factorVecs, wholeRow }: LazyVariant) => (wholeRow ? 1 : factorVecs + (bias ? 1 : 0));

const sizes = (variant: LazyVariant) => wgsl`
const FACTOR_VECS = ${variant.factorVecs}u;
const ROW_VECS = ${variant.factorVecs + (variant.bias ? 1 : 0)}u;
const SHARES = ${lazyShares(variant)}u;
`;

/** `forwardRating(k)` */
const forwardRating = ({ loss, range, bias }: LazyVariant) => wgsl`
${loss.wgsl}${range.wgsl}
fn forwardRating(k: u32) {
  let rating = ratings[k];
  #if ${bias}
  var sum = param[rating.user + FACTOR_VECS] + param[rating.item + FACTOR_VECS];
  #else
  var sum = vec4f();
  #endif
  for (var i = 0u; i < FACTOR_VECS; i++) { sum += param[rating.user + i] * param[rating.item + i]; }
  let z = (sum.x + sum.y) + (sum.z + sum.w);
  let yHat = predict(z, uniforms.lo, uniforms.hi);
  outcomes[k] = Outcome(loss(yHat, rating.y), lossGrad(yHat, rating.y) * uniforms.lossScale * predictGrad(z, uniforms.lo, uniforms.hi));
}
`;

/** `updateShare(firstTouch, i, step)`: the work of one invocation of an update. */
const updateRow = ({ bias, ownBiasDecay, wholeRow }: LazyVariant) => wgsl`
${adam.wgsl('vec4f')}${idleAdam}
fn otherRow(k: u32, touch: LazyTouch) -> u32 { return select(ratings[k].item, ratings[k].user, touch.isItem == 1u); }

fn updateColumns(i: u32, touch: LazyTouch, rate: Rate, mid: u32, wd: f32, wdDecay: f32, before: Poles, after: Poles) {
  var p = param[touch.read + i];
  var mi = m[touch.state + i];
  var vi = v[touch.state + i];
  if (touch.begin < touch.end) {
    var grad = vec4f();
    for (var j = touch.begin; j < touch.end; j++) {
      let k = members[j];
      #if ${bias}
      if (i == FACTOR_VECS) { grad.x += outcomes[k].dz; } else { grad += outcomes[k].dz * param[otherRow(k, touch) + i]; }
      #else
      grad += outcomes[k].dz * param[otherRow(k, touch) + i];
      #endif
    }
    update(&p, &mi, &vi, grad, rate, wd, uniforms.beta2, uniforms.eps);
  }
  for (var t = touch.idleBegin; t < mid; t++) { update(&p, &mi, &vi, vec4f(), steps[t].rate, wd, uniforms.beta2, uniforms.eps); }
  if (mid < touch.idleEnd) {
    let s = sqrt(vi);
    let rest = p - mi * idleQ(before, s);
    mi *= touch.beta1Decay;
    vi *= touch.rootDecay * touch.rootDecay;
    p = wdDecay * rest + mi * idleQ(after, s * touch.rootDecay);
  }
  param[touch.write + i] = p;
  m[touch.state + i] = mi;
  v[touch.state + i] = vi;
}

// vec4s [begin, end) of the row of touch t.
fn updateRow(t: u32, step: u32, begin: u32, end: u32) {
  let touch = touches[t];
  let rate = steps[step].rate;
  let mid = clamp(immediates.replayEnd, touch.idleBegin, touch.idleEnd);
  let before = steps[mid].factors;
  let after = steps[touch.idleEnd].factors;
  for (var i = begin; i < end; i++) {
    #if ${ownBiasDecay}
    if (i == FACTOR_VECS) {
      updateColumns(i, touch, rate, mid, uniforms.wdBias, touch.wdBiasDecay, steps[mid].bias, steps[touch.idleEnd].bias);
      continue;
    }
    #endif
    updateColumns(i, touch, rate, mid, uniforms.wd, touch.wdDecay, before, after);
  }
}

// Share i of the touches from firstTouch on.
fn updateShare(firstTouch: u32, i: u32, step: u32) {
  #if ${wholeRow}
  updateRow(firstTouch + i, step, 0u, ROW_VECS);
  #else
  updateRow(firstTouch + i / ROW_VECS, step, i % ROW_VECS, i % ROW_VECS + 1u);
  #endif
}
`;

const uniforms = { lossScale: 'f32', lo: 'f32', hi: 'f32', wd: 'f32', wdBias: 'f32', beta2: 'f32', eps: 'f32' } as const;

/** Forward pass of one batch: ratings [first, first + nRatings). */
export const lazyForward = (variant: LazyVariant) =>
  defineKernel({
    name: `lazyForward[${variantName(variant)}]`,
    workgroupSize: 64,
    uniforms,
    immediates: { first: 'u32', nRatings: 'u32' },
    buffers: { ratings: 'read array<LazyRating>', param: 'read array<vec4f>', outcomes: 'read_write array<Outcome>' },
    code: (declarations) => wgsl`${declarations}${structs}${sizes(variant)}${forwardRating(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i < immediates.nRatings) { forwardRating(immediates.first + i); }
}
`,
  });

/** The update of the rows that one step touches. */
export const lazyUpdate = (variant: LazyVariant) =>
  defineKernel({
    name: `lazyUpdate[${variantName(variant)}]`,
    workgroupSize: 64,
    uniforms,
    immediates: { step: 'u32', firstTouch: 'u32', nTouches: 'u32', replayEnd: 'u32' },
    buffers: {
      steps: 'read array<Step>',
      ratings: 'read array<LazyRating>',
      touches: 'read array<LazyTouch>',
      members: 'read array<u32>',
      outcomes: 'read array<Outcome>',
      param: 'read_write array<vec4f>',
      m: 'read_write array<vec4f>',
      v: 'read_write array<vec4f>',
    },
    code: (declarations) => wgsl`${declarations}${stepStruct}${structs}${sizes(variant)}${updateRow(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i < immediates.nTouches * SHARES) { updateShare(immediates.firstTouch, i, immediates.step); }
}
`,
  });

/** All steps of a chunk, made by one workgroup. */
export const lazySteps = (variant: LazyVariant, workgroupSize: number) =>
  defineKernel({
    name: `lazySteps[${variantName(variant)}, ${workgroupSize} invocations]`,
    workgroupSize,
    uniforms: { ...uniforms, batchSize: 'u32' },
    immediates: { nSteps: 'u32', replayEnd: 'u32' },
    buffers: {
      steps: 'read array<Step>',
      ratings: 'read array<LazyRating>',
      touches: 'read array<LazyTouch>',
      members: 'read array<u32>',
      outcomes: 'read_write array<Outcome>',
      param: 'read_write array<vec4f>',
      m: 'read_write array<vec4f>',
      v: 'read_write array<vec4f>',
    },
    code: (declarations) => wgsl`${declarations}${stepStruct}${structs}${sizes(variant)}${forwardRating(variant)}${updateRow(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) index: u32) {
  for (var step = 0u; step < immediates.nSteps; step++) {
    let end = (step + 1u) * uniforms.batchSize;
    for (var k = step * uniforms.batchSize + index; k < end; k += WORKGROUP_SIZE) { forwardRating(k); }
    storageBarrier();
    let firstTouch = steps[step].factors.firstTouch;
    let nShares = (steps[step + 1u].factors.firstTouch - firstTouch) * SHARES;
    for (var i = index; i < nShares; i += WORKGROUP_SIZE) { updateShare(firstTouch, i, step); }
    storageBarrier();
  }
}
`,
  });
