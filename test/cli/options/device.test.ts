import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withDevice, withDevices } from '../../../src/cli/options/device.js';
import type { Gpu } from '../../../src/gpu/gpu.js';
import { threadsFor } from '../../../src/node/device/threads.js';
import { orEnd, testAdapterName, testGpu } from '../../helpers/device.js';

const { info } = await orEnd(testGpu());
const flags = testAdapterName.name === undefined ? {} : { adapter: testAdapterName.name };

for (const [name, end] of [
  ['is done', () => {}],
  [
    'fails',
    () => {
      throw new Error('as a test');
    },
  ],
] as const) {
  test(`the device is destroyed when the work with it ${name}`, async () => {
    let used: Gpu | undefined;
    const work = withDevice(flags, undefined, async ({ gpu }) => {
      used = gpu;
      end();
    });
    const error = await work.then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.is(error?.message, name === 'fails' ? 'as a test' : undefined);
    assert.is((await used!.device.lost).reason, 'destroyed');
  });
}

test('batches of different sizes share a device, unless lavapipe computes them on different threads', async () => {
  const gpus: Gpu[] = [];
  await withDevices(flags, async (deviceFor) => {
    for (const batchSize of [64, 4096, 32, 8192]) gpus.push((await deviceFor({ batchSize, nFactors: 40 })).gpu);
  });
  const isOurs = info.name === 'llvmpipe' && !process.env['LP_NUM_THREADS'] && threadsFor({ batchSize: 4096, nFactors: 40 }) > 0;
  assert.is(new Set(gpus).size, isOurs ? 2 : 1);
  assert.equal([gpus[2] === gpus[0], gpus[3] === gpus[1]], [true, true]);
  for (const gpu of gpus) assert.is((await gpu.device.lost).reason, 'destroyed');
});

test.run();
