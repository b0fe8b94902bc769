import { ifFinite } from '../../shaders/ops/finite.js';
import type {
  lazyForward as forwardKernel,
  lazySteps as stepsKernel,
  lazyUpdate as updateKernel,
  LazyVariant,
} from '../../shaders/train/lazy-step.wgsl.js';
import type { Fields, StructValue } from '../../src/gpu/struct.js';
import { factorsAt, scoreRows, type ScoreSum } from './score.js';
import type { Twin, TwinBuffers } from './twin.js';

type Forward = Twin<ReturnType<typeof forwardKernel>>;
type Update = Twin<ReturnType<typeof updateKernel>>;
type Steps = Twin<ReturnType<typeof stepsKernel>>;
type Buffers = TwinBuffers<ReturnType<typeof stepsKernel>['buffers']>;
type Numbers = Readonly<Record<string, number>>;

/** Twins of shaders/train/lazy-step.wgsl.ts, for the same variants. Most scores are their sum. */
export const lazyForward =
  (variant: LazyVariant, sumOf: ScoreSum = variant.score.value): Forward =>
  ({ ratings, param, outcomes }, { first, nRatings, lossScale }) => {
    const { loss, range, score, factorVecs, hasBias } = variant;
    for (let k = first; k < first + nRatings; k++) {
      const { user, item, y } = ratings[k];
      const z = scoreRows(score, param, user, item, factorVecs, hasBias);
      const yHat = range.value(z);
      const sum = sumOf(factorsAt(param, user, factorVecs), factorsAt(param, item, factorVecs));
      outcomes[k] = { loss: ifFinite(z, loss.value(yHat, y)), dz: loss.grad(yHat, y) * lossScale * range.grad(z), sum };
    }
  };

export const lazyUpdate =
  (variant: LazyVariant): Update =>
  (buffers, { step, firstTouch, nTouches, replayEnd, wd, wdBias }) => {
    for (let t = firstTouch; t < firstTouch + nTouches; t++) updateRow(variant, buffers, t, step, { replayEnd, wd, wdBias });
  };

export const lazySteps =
  (variant: LazyVariant, sumOf?: ScoreSum): Steps =>
  (buffers, { begin, end, batchSize, ...values }) => {
    for (let step = begin; step < end; step++) {
      lazyForward(variant, sumOf)(buffers, { ...values, first: step * batchSize, nRatings: batchSize });
      const { firstTouch } = buffers.steps[step];
      lazyUpdate(variant)(buffers, { ...values, step, firstTouch, nTouches: buffers.steps[step + 1].firstTouch - firstTouch });
    }
  };

/** One touch: a row's step, if it has ratings, and then its idle steps, one by one or at once. */
function updateRow(variant: LazyVariant, buffers: Buffers, t: number, step: number, values: Record<'replayEnd' | 'wd' | 'wdBias', number>) {
  const { optimizer, idle, hasBias, factorVecs, ownBiasDecay } = variant;
  const { steps, param, touches } = buffers;
  const { m, v } = buffers as { m?: Float64Array; v?: Float64Array };
  const { read, write, state, begin, end, idleBegin, idleEnd, decays, wd: products } = touches[t];
  const mid = Math.min(Math.max(values.replayEnd, idleBegin), idleEnd);
  const grad = gradient(variant, buffers, t);
  for (let i = 0; i < 4 * (factorVecs + (hasBias ? 1 : 0)); i++) {
    const isOwn = ownBiasDecay && i >= 4 * factorVecs;
    const [side, wd, wdDecay] = isOwn ? (['biases', values.wdBias, products[1]] as const) : (['factors', values.wd, products[0]] as const);
    const at = 4 * state + i;
    let row: [p: number, m: number, v: number] = [param[4 * read + i], m?.[at] ?? 0, v?.[at] ?? 0];
    if (begin < end) row = optimizer.update(...row, grad[i], steps[step].rate as Numbers, wd);
    for (let idleStep = idleBegin; idleStep < mid; idleStep++) row = optimizer.update(...row, 0, steps[idleStep].rate as Numbers, wd);
    if (mid < idleEnd) {
      const [before, after] = [steps[mid][side], steps[idleEnd][side]].map(asArrays);
      row = idle.advance(row, { wdDecay, decays: Array.from(decays), before, after });
    }
    param[4 * write + i] = row[0];
    if (m) m[at] = row[1];
    if (v) v[at] = row[2];
  }
}

/** The gradient of a touched row, summed over its ratings. */
function gradient({ score, hasBias, factorVecs }: LazyVariant, buffers: Buffers, t: number): Float64Array {
  const { ratings, touches, members, outcomes, param } = buffers;
  const { begin, end, isItem } = touches[t];
  const grad = new Float64Array(4 * (factorVecs + 1));
  for (const k of members.subarray(begin, end)) {
    const { user, item } = ratings[k];
    const sides = score.grad(factorsAt(param, user, factorVecs), factorsAt(param, item, factorVecs));
    sides[isItem].forEach((slope, f) => (grad[f] += outcomes[k].dz * slope));
    if (hasBias) grad[4 * factorVecs] += outcomes[k].dz;
  }
  return grad;
}

/** The fields of `Idle`, each as numbers. */
const asArrays = (fields: StructValue<Fields>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value].flat() as number[]]));
