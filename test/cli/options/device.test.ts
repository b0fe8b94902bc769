import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withDevice, withDevices } from '../../../src/cli/options/device.js';
import type { Gpu } from '../../../src/gpu/gpu.js';
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
    const work = withDevice(flags, 0, async ({ gpu }) => {
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

test('work on as many threads shares a device, and other adapters than lavapipe have one for all', async () => {
  const gpus: Gpu[] = [];
  await withDevices(flags, async (deviceWith) => {
    for (const threads of [0, 2, 0, 2]) gpus.push((await deviceWith(threads)).gpu);
  });
  const isOurs = info.name === 'llvmpipe' && !process.env['LP_NUM_THREADS'];
  assert.is(new Set(gpus).size, isOurs ? 2 : 1);
  assert.equal([gpus[2] === gpus[0], gpus[3] === gpus[1]], [true, true]);
  for (const gpu of gpus) assert.is((await gpu.device.lost).reason, 'destroyed');
});

test.run();
