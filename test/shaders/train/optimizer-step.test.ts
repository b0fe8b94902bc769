import { test } from 'uvu';
import { adam } from '../../../shaders/ops/adam.js';
import { sgd } from '../../../shaders/ops/sgd.js';
import { optimizerStep } from '../../../shaders/train/optimizer-step.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, SIZES } from '../../helpers/kernel.js';
import { randomFloats, randomState } from '../../helpers/kernel-input.js';
import { rmsProp } from '../../helpers/ops.js';
import { optimizerStep as twin } from '../../twins/optimizer-step.js';

const gpu = await sharedGpu();

for (const optimizer of [adam(), adam({ beta2: 0.999, eps: 1e-5 }), sgd(), sgd({ momentum: true }), rmsProp]) {
  const constants = Object.entries(optimizer.uniforms ?? {}).map(([name, value]) => `, ${name} ${value}`);
  for (const [wd, wdBias, hasBias] of [
    [0.1, 0.1, true],
    [0.2, 0, true],
    [0, 0.3, true],
    [0.2, 0.3, false],
  ] as const) {
    const what = `wd ${wd}, wdBias ${wdBias}, ${hasBias ? 'bias' : 'no bias'}`;
    test(`every parameter makes a step of ${optimizer.name}${constants.join('')}: ${what}`, async () => {
      for (const size of SIZES) {
        const [rowVecs, factorVecs] = hasBias ? [3, 2] : [2, 2];
        const nVecs = size * rowVecs;
        await assertKernelIsTwin(gpu, optimizerStep(optimizer), twin(optimizer), {
          buffers: {
            rates: [optimizer.rate(1, 0, 1), optimizer.rate(0.05, 0.87, 7), optimizer.rate(1, 0, 1)],
            grad: randomFloats(4 * nVecs, 1),
            param: randomFloats(4 * nVecs, 4),
            ...randomState(optimizer, 4 * nVecs, 2),
          },
          uniforms: { nVecs, rowVecs, factorVecs, wd, wdBias },
          immediates: { step: 1 },
          threads: nVecs,
        });
      }
    });
  }
}

test.run();
