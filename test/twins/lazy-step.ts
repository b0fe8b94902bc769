import type { LazyVariant } from '../../shaders/train/lazy-rows.js';
import type { lazyStep as stepKernel, lazySteps as stepsKernel } from '../../shaders/train/lazy-step.wgsl.js';
import { advance, rowGradient, rowsOf, type State } from './lazy-rows.js';
import type { Twin, TwinBuffers } from './twin.js';

type Step = Twin<ReturnType<typeof stepKernel>>;
type Steps = Twin<ReturnType<typeof stepsKernel>>;
type Buffers = TwinBuffers<ReturnType<typeof stepsKernel>['buffers']>;
type Numbers = Readonly<Record<string, number>>;
type Values = Numbers & Record<'nUsers' | 'nRows' | 'lossScale' | 'wd' | 'wdBias' | 'replayEnd', number>;

/** Twins of shaders/train/lazy-step.wgsl.ts, for the same variants. */
export const lazyStep =
  (variant: LazyVariant): Step =>
  (buffers, { step, firstTouch, nTouches, ...values }) => {
    for (let t = firstTouch; t < firstTouch + nTouches; t++) stepRow(variant, buffers, t, step, values);
  };

export const lazySteps =
  (variant: LazyVariant): Steps =>
  (buffers, { begin, end, ...values }) => {
    for (let step = begin; step < end; step++) {
      const { firstTouch } = buffers.steps[step];
      lazyStep(variant)(buffers, { ...values, step, firstTouch, nTouches: buffers.steps[step + 1].firstTouch - firstTouch });
    }
  };

/** One touch: a row's step, and then its idle steps, one by one or at once. */
function stepRow(variant: LazyVariant, buffers: Buffers, t: number, step: number, values: Values) {
  const { touches, members, lossOf, steps } = buffers;
  const { row: place, begin, end, idleEnd } = touches[t];
  if (begin === end) return;
  const isItem = place >> 1 >= values.nUsers;
  const rows = rowsOf(variant, buffers, values.nRows);
  const own = rows.read(place);
  const { grad, loss } = rowGradient(variant, rows, own, isItem, members.slice(begin, end), values.lossScale);
  if (!isItem) lossOf[t] = loss;
  const makeStep = (state: State, i: number, wd: number) => variant.optimizer.update(...state, grad[i], steps[step].rate as Numbers, wd);
  rows.write(place ^ 1, advance(variant, buffers, own, place >> 1, [step + 1, idleEnd, values.replayEnd], values, makeStep));
}
