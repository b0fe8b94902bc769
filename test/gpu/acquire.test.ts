import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asyncDispose } from '../../src/base/async-dispose.js';
import { DeviceLostError, DotbiasError, NoAdapterError } from '../../src/base/errors.js';
import { encodeModel, loadModel } from '../../src/files/model-file.js';
import { openGpu } from '../../src/gpu/acquire.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { smallData } from '../helpers/data.js';
import { testAdapter } from '../helpers/device.js';
import { assertRefused } from '../helpers/refusal.js';

/** Does some work where `navigator.gpu` is this. */
async function inBrowser<T>(gpu: object | undefined, work: () => Promise<T>): Promise<T> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { gpu } });
  try {
    return await work();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}

const asked: unknown[] = [];
const webgpu = {
  requestAdapter: async (options: unknown) => {
    asked.push(options);
    return testAdapter();
  },
  wgslLanguageFeatures: new Set<string>(),
};

test('openGpu opens a device with the limits of its adapter, and names it', async () => {
  await using gpu = await inBrowser(webgpu, () => openGpu({ memoryBudget: 2 ** 24, powerPreference: 'low-power' }));
  const adapter = await testAdapter();
  assert.is(gpu.limits.maxBufferSize, adapter.limits.maxBufferSize);
  assert.is(gpu.limits.maxStorageBufferBindingSize, adapter.limits.maxStorageBufferBindingSize);
  assert.is(gpu.memoryBudget, 2 ** 24);
  assert.ok(gpu.info.description.length > 3);
  assert.is(gpu.immediateMode, 'dynamic uniform', 'as the language features say');
  assert.equal(asked.at(-1), { powerPreference: 'low-power' });
});

test('where there is no WebGPU or no adapter, openGpu says which', async () => {
  await assertRefused(() => inBrowser(undefined, () => openGpu()), /^No WebGPU here: in Node, import from .*over https/, NoAdapterError);
  const none = { requestAdapter: async () => null };
  await assertRefused(() => inBrowser(none, () => openGpu()), /^The browser has WebGPU, but no adapter for it:/, NoAdapterError);
  await assertRefused(() => inBrowser(none, () => collabLearner(smallData())), /no adapter for it/, NoAdapterError);
  await assertRefused(() => openGpu({ memorybudget: 1 } as never), /did you mean memoryBudget\?/, TypeError);
  await assertRefused(() => inBrowser(webgpu, () => openGpu({ memoryBudget: 0 })), /memoryBudget must be a positive number, not 0/);
});

test('onLost tells of a device that was lost, but not of one that was destroyed', async () => {
  const told: DeviceLostError[] = [];
  const onLost = (error: DeviceLostError) => void told.push(error);
  const destroyed = await inBrowser(webgpu, () => openGpu({ onLost }));
  destroyed.destroy();
  await destroyed.device.lost;
  assert.equal(told, []);

  const adapter = await testAdapter();
  let lose!: (info: { reason: string; message: string }) => void;
  const lost = new Promise((resolve) => (lose = resolve));
  const dying = {
    limits: adapter.limits,
    features: adapter.features,
    info: adapter.info,
    requestDevice: async (wanted: GPUDeviceDescriptor) =>
      Object.defineProperty(await adapter.requestDevice(wanted), 'lost', { value: lost }),
  };
  const gpu = await inBrowser({ requestAdapter: async () => dying }, () => openGpu({ onLost }));
  lose({ reason: 'unknown', message: 'the process of the GPU ended' });
  const error = await gpu.idle().catch((reason: unknown) => reason);
  assert.instance(error, DeviceLostError);
  assert.equal(told, [error]);
  assert.is(told[0].message, 'The GPU device was lost: the process of the GPU ended');
  gpu.device.destroy();
});

test('a learner and a loaded model without a device open one, own it, and end it when they are disposed of', async () => {
  const learn = await inBrowser(webgpu, () => collabLearner(smallData(), { nFactors: 3 }));
  await learn.fit(1);
  const bytes = await encodeModel(learn);
  const model = await inBrowser(webgpu, () => loadModel(bytes));
  assert.is.not(model.gpu, learn.gpu);
  assert.equal(await model.predict([1], [1]), await learn.predict([1], [1]));
  for (const owner of [learn, model]) {
    await owner[asyncDispose]();
    await owner[asyncDispose]();
    assert.is((await owner.gpu.device.lost).reason, 'destroyed');
    await assertRefused(() => owner.tables(), /^This model has been released/, DotbiasError);
  }
});

test.run();
