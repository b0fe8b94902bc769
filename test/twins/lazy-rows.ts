/** What the twins of lazy kernels share, as shaders/train/lazy-rows.ts for the kernels. */
import { ifFinite } from '../../shaders/ops/finite.js';
import type { LazyVariant } from '../../shaders/train/lazy-rows.js';
import type { lazyStep } from '../../shaders/train/lazy-step.wgsl.js';
import type { Fields, StructValue } from '../../src/gpu/struct.js';
import { factorsAt, scoreRows } from './score.js';
import type { TwinBuffers } from './twin.js';

type Buffers = TwinBuffers<ReturnType<typeof lazyStep>['buffers']>;
type Numbers = Readonly<Record<string, number>>;

export type State = [p: number, m: number, v: number];

/** A row's parameters after `first` and its idle steps [begin, end); its state is moved on in place. */
export function advance(
  { optimizer, idle, hasBias, factorVecs, ownBiasDecay }: LazyVariant,
  buffers: Pick<Buffers, 'steps'>,
  own: Float64Array,
  row: number,
  [begin, end, replayEnd]: readonly [begin: number, end: number, replayEnd: number],
  { wd, wdBias }: Record<'wd' | 'wdBias', number>,
  first: (state: State, i: number, wd: number) => State,
): Float64Array {
  const { steps } = buffers;
  const { m, v } = buffers as { m?: Float64Array; v?: Float64Array };
  const mid = Math.min(Math.max(replayEnd, begin), end);
  const product = (sums: (t: number) => ArrayLike<number>) => {
    const [a, b] = [sums(mid), sums(end)];
    return Math.exp(b[0] - a[0] + (b[1] - a[1]));
  };
  const beta1 = product((t) => Array.from(steps[t].logs).slice(0, 2));
  const decays = idle.decays.map((decay) => (decay === 'beta1' ? beta1 : decay ** (end - mid)));
  const width = 4 * (factorVecs + (hasBias ? 1 : 0));
  return own.map((p, i) => {
    if (i > 4 * factorVecs) return p; // of a bias only x exists
    const isOwn = ownBiasDecay && i >= 4 * factorVecs;
    const each = isOwn ? wdBias : wd;
    const at = width * row + i;
    let state = first([p, m?.[at] ?? 0, v?.[at] ?? 0], i, each);
    for (let t = begin; t < mid; t++) state = optimizer.update(...state, 0, steps[t].rate as Numbers, each);
    if (mid < end) {
      const side = (t: number) => asArrays((isOwn ? steps[t]['biases'] : steps[t].factors) as StructValue<Fields>);
      const wdDecay = product((t) => (isOwn ? (steps[t]['biasLogs'] as ArrayLike<number>) : Array.from(steps[t].logs).slice(2)));
      state = idle.advance(state, { wdDecay, decays, before: side(mid), after: side(end) });
    }
    if (m) m[at] = state[1];
    if (v) v[at] = state[2];
    return state[0];
  });
}

/** The gradient of a row, its bias after its factors, and the loss, summed over some of its ratings. */
export function rowGradient(
  { loss, range, score, hasBias, factorVecs }: LazyVariant,
  rows: ReturnType<typeof rowsOf>,
  own: Float64Array,
  isItem: boolean,
  members: readonly { row: number; y: number }[],
  lossScale: number,
): { grad: Float64Array; loss: number } {
  const grad = new Float64Array(4 * (factorVecs + 1));
  let lossSum = 0;
  for (const { row, y } of members) {
    const pair = Float64Array.from(isItem ? [...rows.read(row), ...own] : [...own, ...rows.read(row)]);
    const item = own.length / 4;
    const z = scoreRows(score, [pair, pair], [0, item], factorVecs, hasBias);
    const yHat = range.value(z);
    const dz = loss.grad(yHat, y) * lossScale * range.grad(z);
    const sides = score.grad(factorsAt(pair, 0, factorVecs), factorsAt(pair, item, factorVecs));
    sides[isItem ? 1 : 0].forEach((slope, f) => (grad[f] += dz * slope));
    grad[4 * factorVecs] += dz;
    lossSum += ifFinite(z, loss.value(yHat, y));
  }
  return { grad, loss: lossSum };
}

/** Rows by place, in both copies. */
export function rowsOf({ hasBias, factorVecs, isApart }: LazyVariant, { param, spare }: Pick<Buffers, 'param' | 'spare'>, nRows: number) {
  const width = 4 * (factorVecs + (hasBias ? 1 : 0));
  const at = (place: number): [Float64Array, number] => {
    const row = width * (place >> 1);
    if ((place & 1) === 0) return [param, row];
    return isApart ? [spare, row] : [param, width * nRows + row];
  };
  return {
    read: (place: number) => {
      const [copy, begin] = at(place);
      return copy.slice(begin, begin + width);
    },
    write: (place: number, row: Float64Array) => {
      const [copy, begin] = at(place);
      copy.set(hasBias ? row.subarray(0, width - 3) : row, begin);
    },
  };
}

/** The fields of `Idle`, each as numbers. */
const asArrays = (fields: StructValue<Fields>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value].flat() as number[]]));
