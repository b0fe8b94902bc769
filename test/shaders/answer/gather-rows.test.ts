import { test } from 'uvu';
import { gatherRows } from '../../../shaders/answer/gather-rows.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin, FACTORS } from '../../helpers/kernel.js';
import { randomRows } from '../../helpers/kernel-input.js';
import { gatherRows as twin } from '../../twins/gather-rows.js';

const gpu = await sharedGpu();

test('gatherRows copies rows of a table to their places, those asked for only', async () => {
  for (const nFactors of FACTORS) {
    const { layout, param } = randomRows(nFactors, true);
    const { rowVecs, nRows: nAll } = layout;
    for (const n of [1, 7, 70]) {
      const copies = Array.from({ length: n + 3 }, (_, k) => ({ row: (7 * k + 3) % nAll, place: n + 2 - k }));
      await assertKernelIsTwin(gpu, gatherRows, twin, {
        buffers: { copies, table: param, out: new Float64Array(4 * rowVecs * (n + 3)) },
        uniforms: { rowVecs },
        immediates: { first: 2, nRows: n },
        threads: n * rowVecs,
      });
    }
  }
});

test.run();
