// Training steps that touch only the rows of the batch, with the numbers of steps that touch every row.
//   maths     forward: loss and d loss / d z of the ratings of the batch, as in forward.wgsl.ts.
//             update: the owner of a touched row sums its gradient, makes the optimiser's step, and then makes at once all
//             the idle steps until the row's next touch (IdleOp), so that every row is always ready for its next reader.
//             At the end of a chunk of steps all rows are at the same step: the dense model.
//   mapping   forward: one invocation per rating. update: one per touched row (software adapters), or one per four
//             columns of it (GPUs). Two dispatches per step, or one workgroup that makes all steps of a chunk.
//   cost      6 nFactors flop per rating; 24 rowStride bytes and some 40 rowStride flop per touched row
//   races     none: the parameters have two copies. An update reads its row in one copy and writes the other, which no
//             reader of this step uses (src/steps/lazy-chunk.ts assigns the copies); m, v and outcomes have one writer.
//             Forward, update and steps are ordered by dispatches, or by storage barriers within the one workgroup.
//   needs     touches of a chunk, built backwards from its end: idleEnd is the next touch of the row, or the end
import { defineKernel, read, readWrite, type StructBuffer } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { ifFiniteWgsl } from '../ops/finite.js';
import type { LossOp } from '../ops/loss.js';
import { type IdleOp, type OptimizerOp, stateBuffers } from '../ops/optimizer.js';
import type { RangeOp } from '../ops/range.js';
import { type ScoreOp, scoreRows, scoreSumType } from '../ops/score.js';
import { LazyRating, LazyTouch, outcomeStruct, stepStruct } from '../ops/structs.js';

export interface LazyVariant {
  readonly loss: LossOp;
  readonly range: RangeOp;
  readonly score: ScoreOp;
  readonly optimizer: OptimizerOp;
  /** The optimiser's closed form. */
  readonly idle: IdleOp;
  readonly hasBias: boolean;
  /** vec4s of factors in a row, see RowLayout. */
  readonly factorVecs: number;
  /** Whether biases decay at a rate of their own. */
  readonly ownBiasDecay: boolean;
  /** Whether an invocation updates a whole row, or four columns of it. */
  readonly wholeRow: boolean;
}

const variantName = ({ loss, range, score, optimizer, hasBias, factorVecs, ownBiasDecay, wholeRow }: LazyVariant) =>
  [
    ...[loss, range, score, optimizer].map(({ name }) => name),
    hasBias ? 'bias' : 'no bias',
    `${factorVecs} vec4s`,
    ...(ownBiasDecay ? ['wdBias'] : []),
    wholeRow ? 'rows' : 'columns',
  ].join(', ');

const rowVecs = ({ hasBias, factorVecs }: LazyVariant) => factorVecs + (hasBias ? 1 : 0);

/** Invocations that update a touched row. */
export const lazyShares = (variant: LazyVariant) => (variant.wholeRow ? 1 : rowVecs(variant));

const sizes = (variant: LazyVariant) => wgsl`
const FACTOR_VECS = ${variant.factorVecs}u;
const ROW_VECS = ${rowVecs(variant)}u;
const SHARES = ${lazyShares(variant)}u;
`;

/** `forwardRating(k)` */
const forwardRating = wgsl`${ifFiniteWgsl}
fn forwardRating(k: u32) {
  let rating = ratings[k];
  let sum = rowSum(rating.user, rating.item, FACTOR_VECS);
  let z = rowScore(rating.user, rating.item, FACTOR_VECS, sum);
  let yHat = range(z);
  outcomes[k] = Outcome(ifFinite(z, loss(yHat, rating.y)), lossGrad(yHat, rating.y) * uniforms.lossScale * rangeGrad(z), sum);
}
`;

/** `updateShare(firstTouch, i, step)`: the work of one invocation of an update. */
const updateRow = ({ hasBias, ownBiasDecay, wholeRow, optimizer: { nState }, idle }: LazyVariant) => wgsl`${idle.wgsl}
fn otherRow(k: u32, touch: LazyTouch) -> u32 { return select(ratings[k].item, ratings[k].user, touch.isItem == 1u); }

fn ownGrad(touch: LazyTouch, own: vec4f, other: vec4f, sum: ScoreSum) -> vec4f {
  if (touch.isItem == 1u) { return scoreItemGrad(other, own, sum); }
  return scoreUserGrad(own, other, sum);
}

fn updateColumns(i: u32, touch: LazyTouch, rate: Rate, mid: u32, wd: f32, wdDecay: f32, before: Idle, after: Idle) {
  let own = param[touch.read + i];
  var p = own;
  var mi = vec4f();
  var vi = vec4f();
  #if ${nState > 0}
  mi = m[touch.state + i];
  #endif
  #if ${nState > 1}
  vi = v[touch.state + i];
  #endif
  if (touch.begin < touch.end) {
    var grad = vec4f();
    for (var j = touch.begin; j < touch.end; j++) {
      let k = members[j];
      #if ${hasBias}
      if (i == FACTOR_VECS) {
        grad.x += outcomes[k].dz;
        continue;
      }
      #endif
      grad += outcomes[k].dz * ownGrad(touch, own, param[otherRow(k, touch) + i], outcomes[k].sum);
    }
    update(&p, &mi, &vi, grad, rate, wd);
  }
  for (var t = touch.idleBegin; t < mid; t++) { update(&p, &mi, &vi, vec4f(), steps[t].rate, wd); }
  if (mid < touch.idleEnd) { idle(&p, &mi, &vi, wdDecay, touch.decays, before, after); }
  param[touch.write + i] = p;
  #if ${nState > 0}
  m[touch.state + i] = mi;
  #endif
  #if ${nState > 1}
  v[touch.state + i] = vi;
  #endif
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
      updateColumns(i, touch, rate, mid, uniforms.wdBias, touch.wd.y, steps[mid].biases, steps[touch.idleEnd].biases);
      continue;
    }
    #endif
    updateColumns(i, touch, rate, mid, uniforms.wd, touch.wd.x, before, after);
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

/** What an update reads and writes; a kernel that makes whole steps writes the outcomes too. */
const updateBuffers = <O extends StructBuffer>({ optimizer, idle }: LazyVariant, outcomes: O) =>
  ({
    steps: read(stepStruct(optimizer, idle)),
    ratings: read(LazyRating),
    touches: read(LazyTouch),
    members: 'read array<u32>',
    outcomes,
    param: 'read_write array<vec4f>',
    ...stateBuffers(optimizer),
  }) as const;

/** Forward pass of one batch: ratings [first, first + nRatings). */
export const lazyForward = (variant: LazyVariant) =>
  defineKernel({
    name: `lazyForward[${variantName(variant)}]`,
    workgroupSize: 64,
    uniforms: { lossScale: 'f32' },
    immediates: { first: 'u32', nRatings: 'u32' },
    buffers: { ratings: read(LazyRating), param: 'read array<vec4f>', outcomes: readWrite(outcomeStruct(variant.score)) },
    ops: [variant.loss, variant.range, variant.score],
    code: (declarations) => wgsl`${declarations}${sizes(variant)}${scoreRows(variant.score, variant.hasBias)}${forwardRating}
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
    uniforms: { wd: 'f32', wdBias: 'f32' },
    immediates: { step: 'u32', firstTouch: 'u32', nTouches: 'u32', replayEnd: 'u32' },
    buffers: updateBuffers(variant, read(outcomeStruct(variant.score))),
    ops: [variant.score, variant.optimizer],
    code: (declarations) => wgsl`${declarations}${sizes(variant)}${scoreSumType(variant.score)}${updateRow(variant)}
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
    uniforms: { lossScale: 'f32', wd: 'f32', wdBias: 'f32', batchSize: 'u32' },
    immediates: { begin: 'u32', end: 'u32', replayEnd: 'u32' },
    buffers: updateBuffers(variant, readWrite(outcomeStruct(variant.score))),
    ops: [variant.loss, variant.range, variant.score, variant.optimizer],
    code: (
      declarations,
    ) => wgsl`${declarations}${sizes(variant)}${scoreRows(variant.score, variant.hasBias)}${forwardRating}${updateRow(variant)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) index: u32) {
  for (var step = immediates.begin; step < immediates.end; step++) {
    let end = (step + 1u) * uniforms.batchSize;
    for (var k = step * uniforms.batchSize + index; k < end; k += WORKGROUP_SIZE) { forwardRating(k); }
    storageBarrier();
    let firstTouch = steps[step].firstTouch;
    let nShares = (steps[step + 1u].firstTouch - firstTouch) * SHARES;
    for (var i = index; i < nShares; i += WORKGROUP_SIZE) { updateShare(firstTouch, i, step); }
    storageBarrier();
  }
}
`,
  });
