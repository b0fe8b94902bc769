/** The lazy step beside its twin, on a window of steps as the stepper builds it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../../shaders/ops/adam.js';
import { dotProduct } from '../../../shaders/ops/score.js';
import { sgd } from '../../../shaders/ops/sgd.js';
import type { LazyVariant } from '../../../shaders/train/lazy-rows.js';
import { lazyStep, lazySteps } from '../../../shaders/train/lazy-step.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin } from '../../helpers/kernel.js';
import { RANGES, SCORES } from '../../helpers/kernel-input.js';
import { N_STEPS, REPLAYS, variantOf, windowOf } from '../../helpers/lazy-window.js';
import * as twins from '../../twins/lazy-step.js';

const gpu = await sharedGpu();

async function checkSteps(variant: LazyVariant, nFactors: number, replayEnd: number) {
  for (const step of [0, 3, N_STEPS - 1]) {
    const { buffers, window, uniforms } = windowOf(variant, nFactors);
    const [firstTouch, end] = window.firstTouch.subarray(step, step + 2);
    const nTouches = end - firstTouch;
    assert.ok(nTouches > 4);
    await assertKernelIsTwin(gpu, lazyStep(variant), twins.lazyStep(variant), {
      buffers,
      uniforms,
      immediates: { step, firstTouch, nTouches, replayEnd },
      threads: nTouches * variant.lanes,
    });
  }
}

const SHAPES = [
  [5, false],
  [1, true],
  [40, true],
] as const;

const OPTIMIZERS = [adam(), sgd({ momentum: true }), sgd()];

for (const optimizer of OPTIMIZERS) {
  for (const ownBiasDecay of [true, false]) {
    for (const isApart of [false, true]) {
      for (const [replay, replayEnd] of Object.entries(REPLAYS)) {
        const choices = [...(ownBiasDecay ? ['other decay of biases'] : []), ...(isApart ? ['copies apart'] : [])];
        const what = [optimizer.name, replay, ...choices].join(', ');
        test(`lazyStep makes the steps of touched rows: ${what}`, () =>
          checkSteps(variantOf(optimizer, { ownBiasDecay, isApart }), 5, replayEnd));
      }
      test(`lazyStep has a variant without replay: ${optimizer.name}, ${choicesOf(ownBiasDecay, isApart)}`, () =>
        checkSteps(variantOf(optimizer, { ownBiasDecay, isApart, replays: false }), 5, 0));
    }
  }
}

function choicesOf(ownBiasDecay: boolean, isApart: boolean): string {
  return `${ownBiasDecay ? 'other' : 'same'} decay of biases, copies ${isApart ? 'apart' : 'together'}`;
}

for (const [score] of SCORES) {
  for (const range of RANGES) {
    for (const [nFactors, hasBias] of score === dotProduct ? SHAPES : SHAPES.slice(0, 1)) {
      const what = `${score.name}, ${range.name}, ${nFactors} factors, ${hasBias ? 'bias' : 'no bias'}`;
      test(`lazyStep has the loss and sums the gradient of any score: ${what}`, () =>
        checkSteps(variantOf(adam(), { score, range, nFactors, hasBias }), nFactors, 1));
      if (range === RANGES[1] || !hasBias) continue;
      test(`lanes share a row: ${what}`, async () => {
        for (const { lanes, shuffles } of mappings()) {
          await checkSteps(variantOf(adam(), { score, range, nFactors, hasBias, lanes, shuffles }), nFactors, 1);
        }
      });
    }
  }
}

/** Every number of lanes, by shuffles as far as this adapter's subgroups reach. */
function mappings() {
  const widest = gpu.smallestSubgroup;
  return [2, 4, 8, 16].flatMap((lanes) => [{ lanes, shuffles: false }, ...(lanes <= widest ? [{ lanes, shuffles: true }] : [])]);
}

for (const [optimizer, lanes, workgroupSize] of [
  [OPTIMIZERS[0], 1, 64],
  [OPTIMIZERS[0], 2, 8],
  [OPTIMIZERS[1], 4, 8],
  [OPTIMIZERS[2], 1, 4],
] as const) {
  for (const replayEnd of Object.values(REPLAYS)) {
    const what = `${optimizer.name}, ${lanes} lanes, ${workgroupSize} invocations, replay to ${replayEnd}`;
    test(`lazySteps makes all steps of a window: ${what}`, async () => {
      const variant = variantOf(optimizer, { lanes, ownBiasDecay: true });
      const { buffers, uniforms } = windowOf(variant, 5);
      await assertKernelIsTwin(gpu, lazySteps(variant, workgroupSize), twins.lazySteps(variant), {
        buffers,
        uniforms,
        immediates: { begin: 1, end: N_STEPS, replayEnd },
        groups: 1,
      });
    });
  }
}

test.run();
