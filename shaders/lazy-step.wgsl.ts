// One training step for the rows that a batch touches, in one dispatch, with dense Adam's numbers.
//   maths     The owner of a row recomputes the scores of its ratings, sums its gradient, makes the Adam step, and then
//             makes at once all the idle steps until the row's next touch (src/idle-adam.ts): every row is always ready
//             for its next reader. At the end of a chunk of steps every row is at the same step: the dense model.
//   mapping   one invocation per touched row; with PERSISTENT, one workgroup makes all steps of the chunk
//   cost      per touched row: 16 rowVecs floats moved, and 2 nFactors flop per rating, twice (once for each owner)
//   races     none: the parameters have two copies. A touch reads its row in one copy and writes the other, which no
//             member of this step reads (src/paths/lazy.ts assigns copies); m, v and losses have one owner.
//             Steps are ordered by dispatches, or by a storage barrier within the one workgroup.
//   needs     touches of a chunk, built backwards from its end: idleEnd is the next touch of the row, or the end of the chunk
import { defineKernel } from '../src/gpu/kernel.js';
import { wgsl } from '../src/gpu/wgsl.js';
import { adam } from './ops/adam.js';
import { idleAdam, stepStruct } from './ops/idle-adam.js';
import type { LossOp } from './ops/loss.js';
import type { RangeOp } from './ops/sigmoid-range.js';

/** Words of a LazyTouch and of a LazyMember. */
export const LAZY_TOUCH_SIZE = 12;
export const LAZY_MEMBER_SIZE = 2;

export interface LazyStepVariant {
  loss: LossOp;
  range: RangeOp;
  bias: boolean;
  /** vec4s of factors in a row: sizes the registers. */
  factorVecs: number;
  /** One workgroup of this many invocations makes many steps; null: one step per dispatch. */
  persistent: number | null;
}

export const lazyStep = ({ loss, range, bias, factorVecs, persistent }: LazyStepVariant) => defineKernel({
  name: `lazyStep[${loss.name}, ${range.name}, ${bias ? 'bias' : 'no bias'}, ${factorVecs}, ${persistent ? `persistent ${persistent}` : 'one step'}]`,
  workgroupSize: persistent ?? 64,
  uniforms: { batchSize: 'u32', lo: 'f32', hi: 'f32', wd: 'f32', wdBias: 'f32', beta2: 'f32', eps: 'f32' },
  immediates: { step: 'u32', nSteps: 'u32', replayEnd: 'u32' },
  buffers: {
    steps: 'read array<Step>', touchStart: 'read array<u32>', touches: 'read array<LazyTouch>', members: 'read array<LazyMember>',
    param: 'read_write array<vec4f>', m: 'read_write array<vec4f>', v: 'read_write array<vec4f>', losses: 'read_write array<f32>',
  },
  code: (declarations) => wgsl`${declarations}
${stepStruct}
// read, write: first vec4 of the row in the copy of param to read and to write; state: in m and v. Ratings of the row:
// members [begin, end). The row is idle in steps idleFrom to idleEnd - 1; the decays are the products over those idle steps
// that the closed form covers: beta1, 1 - lr wd (factors and bias), sqrt(beta2).
struct LazyTouch {
  read: u32, write: u32, state: u32, begin: u32, end: u32, lossOffset: u32, idleFrom: u32, idleEnd: u32,
  momDecay: f32, wdDecay: f32, wdBiasDecay: f32, rootDecay: f32,
}
struct LazyMember { other: u32, y: f32 }
const FACTOR_VECS = ${factorVecs}u;
const NO_LOSS = 0xffffffffu;
${loss.wgsl}${range.wgsl}${adam.wgsl('vec4f')}${idleAdam}

fn idle(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, touch: LazyTouch, wd: f32, wdDecay: f32, isBias: bool) {
  let mid = clamp(immediates.replayEnd, touch.idleFrom, touch.idleEnd);
  for (var t = touch.idleFrom; t < mid; t++) { update(p, m, v, vec4f(), steps[t].rate, wd, uniforms.beta2, uniforms.eps); }
  if (mid == touch.idleEnd) { return; }
  let s = sqrt(*v);
  #if ${bias}
  var before = steps[mid].factors;
  var after = steps[touch.idleEnd].factors;
  if (isBias) { before = steps[mid].bias; after = steps[touch.idleEnd].bias; }
  #else
  let before = steps[mid].factors;
  let after = steps[touch.idleEnd].factors;
  #endif
  let rest = *p - *m * idleQ(before, s);
  *m *= touch.momDecay;
  *v *= touch.rootDecay * touch.rootDecay;
  *p = wdDecay * rest + *m * idleQ(after, s * touch.rootDecay);
}

fn makeStep(t: u32, step: u32) {
  let touch = touches[t];
  var grad: array<vec4f, FACTOR_VECS>;
  var biasGrad = 0.0;
  for (var j = touch.begin; j < touch.end; j++) {
    let other = members[j].other;
    let y = members[j].y;
    var z = 0.0;
    #if ${bias}
    z = param[touch.read + FACTOR_VECS].x + param[other + FACTOR_VECS].x;
    #endif
    for (var f = 0u; f < FACTOR_VECS; f++) { z += dot(param[touch.read + f], param[other + f]); }
    let yHat = predict(z, uniforms.lo, uniforms.hi);
    let dz = lossGrad(yHat, y) / f32(uniforms.batchSize) * predictGrad(z, uniforms.lo, uniforms.hi);
    for (var f = 0u; f < FACTOR_VECS; f++) { grad[f] += dz * param[other + f]; }
    biasGrad += dz;
    if (touch.lossOffset != NO_LOSS) { losses[touch.lossOffset + j - touch.begin] = loss(yHat, y); }
  }
  for (var f = 0u; f < FACTOR_VECS; f++) {
    var p = param[touch.read + f];
    var mf = m[touch.state + f];
    var vf = v[touch.state + f];
    if (touch.begin < touch.end) { update(&p, &mf, &vf, grad[f], steps[step].rate, uniforms.wd, uniforms.beta2, uniforms.eps); }
    idle(&p, &mf, &vf, touch, uniforms.wd, touch.wdDecay, false);
    param[touch.write + f] = p;
    m[touch.state + f] = mf;
    v[touch.state + f] = vf;
  }
  #if ${bias}
  {
    var p = param[touch.read + FACTOR_VECS];
    var mf = m[touch.state + FACTOR_VECS];
    var vf = v[touch.state + FACTOR_VECS];
    if (touch.begin < touch.end) { update(&p, &mf, &vf, vec4f(biasGrad, 0.0, 0.0, 0.0), steps[step].rate, uniforms.wdBias, uniforms.beta2, uniforms.eps); }
    idle(&p, &mf, &vf, touch, uniforms.wdBias, touch.wdBiasDecay, true);
    param[touch.write + FACTOR_VECS] = p;
    m[touch.state + FACTOR_VECS] = mf;
    v[touch.state + FACTOR_VECS] = vf;
  }
  #endif
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  #if ${persistent !== null}
  for (var step = immediates.step; step < immediates.step + immediates.nSteps; step++) {
    let end = touchStart[step + 1u];
    for (var t = touchStart[step] + lane; t < end; t += WORKGROUP_SIZE) { makeStep(t, step); }
    storageBarrier();
  }
  #else
  let t = touchStart[immediates.step] + threadIndex(id, groups);
  if (t < touchStart[immediates.step + 1u]) { makeStep(t, immediates.step); }
  #endif
}
`,
});
