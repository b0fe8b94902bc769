import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../../shaders/ops/adam.js';
import { dotProduct } from '../../../shaders/ops/score.js';
import { NO_CHUNK } from '../../../shaders/ops/structs.js';
import { lazyPartials } from '../../../shaders/train/lazy-partials.wgsl.js';
import { lazyStep } from '../../../shaders/train/lazy-step.wgsl.js';
import { slotsPerSide } from '../../../src/steps/host-batches.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin } from '../../helpers/kernel.js';
import { randomFloats, SCORES } from '../../helpers/kernel-input.js';
import { variantOf, windowOf } from '../../helpers/lazy-window.js';
import { lazyPartials as twin } from '../../twins/lazy-partials.js';
import { lazyStep as stepTwin } from '../../twins/lazy-step.js';

const gpu = await sharedGpu();

const BATCH_SIZE = 2000;
const PER_SIDE = slotsPerSide(BATCH_SIZE);

for (const [score] of SCORES) {
  for (const [nFactors, hasBias, lanes] of score === dotProduct
    ? ([
        [5, true, 2],
        [40, true, 8],
        [3, false, 1],
      ] as const)
    : ([[5, true, 4]] as const)) {
    const what = `${score.name}, ${nFactors} factors, ${hasBias ? 'bias' : 'no bias'}, ${lanes} lanes`;
    test(`long rows are summed by chunks, which their owner adds: ${what}`, async () => {
      const shuffles = lanes > 1 && lanes <= gpu.smallestSubgroup;
      const variant = variantOf(adam(), { score, nFactors, hasBias, lanes, shuffles, splitsLongRows: lanes > 1, replays: false });
      const { buffers, window, uniforms, chunks } = windowOf(variant, nFactors, BATCH_SIZE);
      const { steps, touches, members, param, lossOf, ...state } = buffers;
      const { nRows, nUsers, lossScale } = uniforms;
      const partials = randomFloats(2 * PER_SIDE * 4 * (variant.factorVecs + 1), 6);
      const step = 1;
      const held = chunks.subarray(2 * PER_SIDE * step, 2 * PER_SIDE * (step + 1)).filter((touch) => touch !== NO_CHUNK);
      assert.ok(held.length > 8);
      await assertKernelIsTwin(gpu, lazyPartials(variant), twin(variant), {
        buffers: { steps, touches, members, chunks, partials, param } as Parameters<ReturnType<typeof twin>>[0],
        uniforms: { nRows, nUsers, lossScale, slotsPerSide: PER_SIDE },
        immediates: { step },
        threads: 2 * PER_SIDE * lanes,
      });
      if (lanes === 1) return;
      // The twin of the step sums all members itself.
      const [firstTouch, end] = window.firstTouch.subarray(step, step + 2);
      await assertKernelIsTwin(gpu, lazyStep(variant), stepTwin(variant), {
        buffers: { steps, touches, members, param, lossOf, ...state, partials } as Parameters<ReturnType<typeof stepTwin>>[0],
        uniforms: { ...uniforms, slotsPerSide: PER_SIDE },
        immediates: { step, firstTouch, nTouches: end - firstTouch, replayEnd: 0 },
        threads: (end - firstTouch) * lanes,
      });
    });
  }
}

test.run();
