import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withDevice } from '../../../src/cli/options/device.js';
import type { Gpu } from '../../../src/gpu/gpu.js';
import { orEnd, testAdapterName, testGpu } from '../../helpers/device.js';

await orEnd(testGpu());
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
    const work = withDevice(flags, async ({ gpu }) => {
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

test.run();
