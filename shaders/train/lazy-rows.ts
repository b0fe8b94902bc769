/** What the kernels of lazy steps share: how a row lies in its two copies, and how it is moved on through idle steps. */
import { wgsl } from '../../src/gpu/wgsl.js';
import { decayWgsl, logFactor } from '../ops/decay.js';
import type { LossOp } from '../ops/loss.js';
import { type IdleOp, type OptimizerOp, STATE } from '../ops/optimizer.js';
import type { RangeOp } from '../ops/range.js';
import type { ScoreOp } from '../ops/score.js';

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
  /** Whether steps before `replayEnd` may be among those to make: rows make the idle ones of these one by one. */
  readonly replays: boolean;
  /** Whether the two copies of the parameters are bound apart, for they do not fit one binding. */
  readonly isApart: boolean;
  /** Invocations that share a row, a power of two. */
  readonly lanes: number;
  /** Whether gradients of long rows come from `lazyPartials`; else their owner sums them, however long it takes. */
  readonly splitsLongRows: boolean;
  /** Whether lanes add up by subgroup shuffles. `lanes` must not exceed the smallest subgroup then. */
  readonly shuffles: boolean;
}

/** Tells variants apart in the names of their kernels. */
export const variantName = (variant: LazyVariant) => {
  const { loss, range, score, optimizer, hasBias, factorVecs, ownBiasDecay, replays, isApart, lanes, shuffles, splitsLongRows } = variant;
  return [
    ...[loss, range, score, optimizer].map(({ name }) => name),
    hasBias ? 'bias' : 'no bias',
    `${factorVecs} vec4s`,
    ...(ownBiasDecay ? ['wdBias'] : []),
    ...(replays ? ['replays'] : []),
    ...(isApart ? ['copies apart'] : []),
    ...(lanes > 1 ? [`${lanes} lanes${shuffles ? ' by shuffles' : ''}`] : []),
    ...(splitsLongRows ? ['long rows split'] : []),
  ].join(', ');
};

/** Buffers of the parameters: both copies, or one each. */
export const copyBuffers = ({ isApart }: LazyVariant) =>
  ({
    param: 'read_write array<vec4f>',
    ...(isApart && { spare: 'read_write array<vec4f>' }),
  }) as { param: 'read_write array<vec4f>'; spare: 'read_write array<vec4f>' };

/**
 * Access to rows. A place is 2 row + copy; `rowAt(place)` is the address of the row's first vec4, with the addresses of copy 1
 * after those of copy 0. Lane l owns the columns l, l + lanes, ...: `columnOf(0, l)`, `columnOf(1, l)` and so on.
 */
export const rowAccess = ({ hasBias, factorVecs, isApart, lanes }: LazyVariant) => wgsl`
const FACTOR_VECS = ${factorVecs}u;
const ROW_VECS = ${factorVecs + (hasBias ? 1 : 0)}u;
const LANES = ${lanes}u;
const OWN_VECS = ${Math.ceil(factorVecs / lanes)}u;
fn columnOf(j: u32, lane: u32) -> u32 { return j * LANES + lane; }
fn rowAt(place: u32) -> u32 { return ((place & 1u) * uniforms.nRows + (place >> 1u)) * ROW_VECS; }
#if ${isApart}
fn paramAt(at: u32) -> vec4f {
  let copySize = uniforms.nRows * ROW_VECS;
  if (at < copySize) { return param[at]; }
  return spare[at - copySize];
}
fn setParam(at: u32, value: vec4f) {
  let copySize = uniforms.nRows * ROW_VECS;
  if (at < copySize) { param[at] = value; } else { spare[at - copySize] = value; }
}
fn biasAt(row: u32) -> f32 {
  let at = row + FACTOR_VECS;
  let copySize = uniforms.nRows * ROW_VECS;
  if (at < copySize) { return param[at].x; }
  return spare[at - copySize].x;
}
fn setBias(row: u32, value: vec4f) {
  let at = row + FACTOR_VECS;
  let copySize = uniforms.nRows * ROW_VECS;
  if (at < copySize) { param[at].x = value.x; } else { spare[at - copySize].x = value.x; }
}
#else
fn paramAt(at: u32) -> vec4f { return param[at]; }
fn setParam(at: u32, value: vec4f) { param[at] = value; }
fn biasAt(row: u32) -> f32 { return param[row + FACTOR_VECS].x; }
fn setBias(row: u32, value: vec4f) { param[row + FACTOR_VECS].x = value.x; }
#endif
`;

/** Uniforms of all lazy kernels. */
export const LAZY_UNIFORMS = { nRows: 'u32', wd: 'f32', wdBias: 'f32', logDecay0: 'f32', logDecay1: 'f32' } as const;

/** Values of the uniforms `logDecay0` and `logDecay1`: logarithms of the optimiser's own factors that are constants. */
export function logDecays({ decays }: IdleOp): { logDecay0: number; logDecay1: number } {
  const [logDecay0, logDecay1] = [0, 1].map((i) => {
    const decay = decays[i] ?? 1;
    return decay === 'beta1' ? 0 : logFactor(decay);
  });
  return { logDecay0, logDecay1 };
}

/** `spanOf(begin, end, replayEnd)`: idle steps [begin, end); the closed form makes those from `mid` on at once. */
export const spans = ({ idle: { decays }, ownBiasDecay }: LazyVariant) => {
  const product = (i: number) =>
    decays[i] === 'beta1' ? 'decayBetween(before.xy, after.xy)' : `expNegative(f32(end - mid) * uniforms.logDecay${i})`;
  return wgsl`${decayWgsl}
struct Span { mid: u32, end: u32, decays: vec2f, wd: vec2f }
fn spanOf(begin: u32, end: u32, replayEnd: u32) -> Span {
  let mid = clamp(replayEnd, begin, end);
  let before = steps[mid].logs;
  let after = steps[end].logs;
  var wd = vec2f(decayBetween(before.zw, after.zw));
  #if ${ownBiasDecay}
  wd.y = decayBetween(steps[mid].biasLogs, steps[end].biasLogs);
  #endif
  return Span(mid, end, vec2f(${product(0)}, ${product(1)}), wd);
}
`;
};

/** `NAME(at, write, own, ...)`: moves a vec4 on, whose state is at `at`. Of a bias only x is read and written. */
const advanceColumn = ({ optimizer: { nState } }: LazyVariant, name: string, x: '' | '.x', set: string, advance: string) => {
  const eachState = (line: (name: string) => string) => STATE.slice(0, nState).map(line).join(' ');
  return wgsl`
fn ${name}(
  at: u32, write: u32, own: vec4f, grad: vec4f, step: u32, span: Span, wd: f32, wdDecay: f32, before: Idle, after: Idle
) {
  var p = own;
  var mi = vec4f();
  var vi = vec4f();
  ${eachState((each) => `${each}i${x} = ${each}[at]${x};`)}
  ${advance}
  ${set}(write, p);
  ${eachState((each) => `${each}[at]${x} = ${each}i${x};`)}
}
`;
};

/**
 * `advanceRow(place, lane, own, grad, bias, biasGrad, step, span)`: a lane moves its columns on and writes them to `place`.
 *
 * @param advance WGSL that moves p, mi and vi on, given grad, step, span, wd, wdDecay, before and after
 */
export const advanceRow = (variant: LazyVariant, advance: string) => {
  const { hasBias, ownBiasDecay, factorVecs, lanes } = variant;
  return wgsl`
${advanceColumn(variant, 'advanceFactors', '', 'setParam', advance)}
#if ${hasBias}
${advanceColumn(variant, 'advanceBias', '.x', 'setBias', advance)}
#endif
fn advanceRow(
  place: u32, lane: u32, own: ptr<function, array<vec4f, OWN_VECS>>, grad: ptr<function, array<vec4f, OWN_VECS>>,
  bias: f32, biasGrad: f32, step: u32, span: Span
) {
  let state = (place >> 1u) * ROW_VECS;
  let write = rowAt(place);
  let before = steps[span.mid].factors;
  let after = steps[span.end].factors;
  for (var j = 0u; j < OWN_VECS; j++) {
    let i = columnOf(j, lane);
    #if ${lanes > 1}
    if (i >= FACTOR_VECS) { break; }
    #endif
    advanceFactors(state + i, write + i, (*own)[j], (*grad)[j], step, span, uniforms.wd, span.wd.x, before, after);
  }
  #if ${hasBias}
  if (lane != ${factorVecs % lanes}u) { return; }
  let at = state + FACTOR_VECS;
  let own4 = vec4f(bias, 0.0, 0.0, 0.0);
  let grad4 = vec4f(biasGrad, 0.0, 0.0, 0.0);
  #if ${ownBiasDecay}
  advanceBias(at, write, own4, grad4, step, span, uniforms.wdBias, span.wd.y, steps[span.mid].biases, steps[span.end].biases);
  #else
  advanceBias(at, write, own4, grad4, step, span, uniforms.wd, span.wd.x, before, after);
  #endif
  #endif
}
`;
};
