import { test } from 'uvu';
import { adam } from '../../../shaders/ops/adam.js';
import { sgd } from '../../../shaders/ops/sgd.js';
import { lazyEnter } from '../../../shaders/train/lazy-enter.wgsl.js';
import type { LazyVariant } from '../../../shaders/train/lazy-rows.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin } from '../../helpers/kernel.js';
import { REPLAYS, variantOf, windowOf } from '../../helpers/lazy-window.js';
import { lazyEnter as twin } from '../../twins/lazy-enter.js';

const gpu = await sharedGpu();

async function check(variant: LazyVariant, nFactors: number, replayEnd: number) {
  const { buffers: all, window, uniforms, nRows } = windowOf(variant, nFactors);
  const { touches: _touches, members: _members, lossOf: _lossOf, ...buffers } = all;
  const { nUsers: _nUsers, lossScale: _lossScale, slotsPerSide: _slots, ...shared } = uniforms;
  await assertKernelIsTwin(gpu, lazyEnter(variant), twin(variant), {
    buffers: { ...buffers, entries: window.entries },
    uniforms: shared,
    immediates: { replayEnd },
    threads: nRows * variant.lanes,
  });
}

for (const optimizer of [adam(), sgd({ momentum: true }), sgd()]) {
  for (const ownBiasDecay of [true, false]) {
    for (const [replay, replayEnd] of Object.entries(REPLAYS)) {
      const what = `${optimizer.name}, ${replay}${ownBiasDecay ? ', other decay of biases' : ''}`;
      test(`lazyEnter moves every row to its first touch: ${what}`, () => check(variantOf(optimizer, { ownBiasDecay }), 5, replayEnd));
    }
  }
}

test('lazyEnter moves rows of any shape, by any number of lanes, in copies together or apart', async () => {
  for (const [nFactors, hasBias] of [
    [5, false],
    [1, true],
    [40, true],
  ] as const) {
    for (const lanes of [1, 2, 16]) await check(variantOf(adam(), { nFactors, hasBias, lanes, isApart: lanes === 2 }), nFactors, 1);
  }
});

test.run();
