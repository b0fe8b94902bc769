import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceLostError, GpuError, MemoryBudgetError, ShaderCompileError } from '../../src/base/errors.js';
import { encodeModel, loadModel } from '../../src/files/model-file.js';
import { GPU_BUFFER } from '../../src/gpu/constants.js';
import { describeAdapter, Gpu, READBACK_BYTES } from '../../src/gpu/gpu.js';
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { CollabLearner } from '../../src/train/learner.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { smallData } from '../helpers/data.js';
import { testAdapter } from '../helpers/device.js';
import { breakOnce, freshDevice, sharedGpu } from '../helpers/gpu.js';
import { freshNullDevice } from '../helpers/null-device.js';
import { assertRefused } from '../helpers/refusal.js';

const gpu = await sharedGpu();
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error,
  );

const fill = defineKernel({
  name: 'fill',
  workgroupSize: 64,
  immediates: { value: 'u32' },
  buffers: { out: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) { if (id.x < arrayLength(&out)) { out[id.x] = immediates.value; } }
`,
});

test('what is uploaded comes back, whole and in part', async () => {
  const data = Uint32Array.from({ length: 1000 }, (_, i) => i * i);
  await gpu.withScope(async (scope) => {
    const buffer = scope.upload('data', data);
    assert.equal(await gpu.readWords(buffer), data);
    assert.equal(await gpu.readWords(buffer, 10, 5), data.slice(10, 15));
    assert.is((await gpu.readWords(buffer, 10, 0)).length, 0);
    gpu.write(buffer, Uint32Array.of(7, 8), 4 * 20);
    assert.equal([...(await gpu.readWords(buffer, 19, 4))], [361, 7, 8, 484]);
  });
});

test('a new buffer holds zeros', async () => {
  await gpu.withScope(async (scope) => {
    const buffer = scope.allocate('zeros', 10);
    assert.is(buffer.size, 12);
    assert.equal([...(await gpu.readWords(buffer))], [0, 0, 0]);
  });
});

test('allocated bytes are counted, and the most there ever were', () => {
  const [before, peak] = [gpu.allocated, gpu.peakAllocated];
  const buffers = ['a', 'b'].map((label) => gpu.createBuffer(label, 1 << 22, GPU_BUFFER.STORAGE));
  assert.is(gpu.allocated, before + (1 << 23));
  for (const buffer of [...buffers, ...buffers]) gpu.destroyBuffer(buffer);
  assert.is(gpu.allocated, before);
  assert.is(gpu.peakAllocated, Math.max(peak, before + (1 << 23)));
});

test('an allocation over the budget is refused before it is made', async () => {
  const small = Gpu.borrow(await freshNullDevice(), { memoryBudget: 1 << 20 });
  const [scope, other] = [small.scope(), small.scope()];
  scope.allocate('kept', 1 << 19);
  const error = await failure((async () => void other.allocate('ratings', (1 << 19) + 4))());
  assert.instance(error, MemoryBudgetError);
  assert.match(
    error!.message,
    /^ratings needs 0\.5 MiB of GPU memory beside 0\.5 MiB in use, over the budget of 1\.0 MiB\. Use fewer factors/,
  );
  assert.is(small.allocated, 1 << 19);
  other.allocate('fits', 1 << 19);
  scope.release();
  assert.is(small.allocated, 1 << 19);
});

test('a buffer that the adapter cannot bind is refused', async () => {
  const roomy = Gpu.borrow(await freshDevice(), { memoryBudget: 2 ** 50 });
  const scope = roomy.scope();
  const { maxStorageBufferBindingSize, maxBufferSize } = roomy.limits;
  assert.is(roomy.maxBinding, Math.min(maxStorageBufferBindingSize, maxBufferSize));
  assert.throws(
    () => scope.allocate('table', roomy.maxBinding + 4),
    /^table needs one buffer of [\d.]+ MiB, but .* binds at most [\d.]+ MiB/,
  );
  assert.is(roomy.allocated, 0);
  roomy.device.destroy();
});

test('a readback counts against the budget while it lasts', async () => {
  const small = Gpu.borrow(await freshDevice(), { memoryBudget: 1000 });
  const scope = small.scope();
  const buffer = scope.upload(
    'data',
    Uint32Array.from({ length: 100 }, (_, i) => i),
  );
  const work = small.readWords(buffer);
  assert.is(small.allocated, 800);
  assert.equal(
    Array.from(await work),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.is(small.allocated, 400);
  scope.allocate('more', 300);
  const error = await failure(small.readWords(buffer));
  assert.instance(error, MemoryBudgetError);
  assert.match(error!.message, /^readback needs /);
  assert.is((await small.readWords(buffer, 3, 2))[1], 4, 'a part that fits');
  scope.release();
  assert.is(small.allocated, 0);
  small.device.destroy();
});

test('what is larger than the room left is read in pieces, byte for byte', async () => {
  const n = 100_003;
  const data = Uint32Array.from({ length: n }, (_, i) => Math.imul(i, 0x9e3779b1));
  for (const left of [READBACK_BYTES, READBACK_BYTES + 6, 150_001, 8 * n]) {
    const tight = Gpu.borrow(await freshDevice(), { memoryBudget: 4 * n + left });
    const scope = tight.scope();
    const buffer = scope.upload('data', data);
    const pieces: number[] = [];
    const create = tight.createBuffer.bind(tight);
    tight.createBuffer = (label, bytes, usage) => {
      pieces.push(bytes);
      return create(label, bytes, usage);
    };
    assert.equal(await tight.readWords(buffer), data);
    assert.equal(await tight.readWords(buffer, 50_000, 40_001), data.subarray(50_000, 90_001));
    assert.is(
      pieces.reduce((sum, bytes) => sum + bytes, 0),
      4 * (n + 40_001),
    );
    assert.ok(Math.max(...pieces) <= left);
    assert.is(pieces.length > 2, left < 4 * n);
    assert.is(tight.allocated, 4 * n);
    tight.device.destroy();
  }
});

test('a device given twice is one Gpu', async () => {
  const device = await freshDevice();
  const first = Gpu.borrow(device, { memoryBudget: 1 << 24 });
  assert.is(Gpu.borrow(device), first);
  assert.is(Gpu.borrow(device, { memoryBudget: 1 << 24 }), first);
  const learn = await collabLearner(smallData(), { gpu: device, nFactors: 3 });
  assert.is(learn.embeddings.gpu, first);
  const loaded = await loadModel(await encodeModel(learn), { gpu: device });
  assert.is(loaded.embeddings.gpu, first);
  learn.release();
  loaded.release();
  assert.is(first.allocated, 0);
  assert.is(await failure(first.idle()), undefined, 'the device lives on');
  device.destroy();
});

test('a device in use with one budget is refused another', async () => {
  const device = await freshNullDevice();
  const gpu = Gpu.borrow(device, { memoryBudget: 1 << 20 });
  assert.throws(
    () => Gpu.borrow(device, { memoryBudget: 1 << 21 }),
    (error: Error) =>
      error instanceof RangeError && error.message === 'This device is in use already with a memory budget of 1048576 bytes, not 2097152.',
  );
  gpu.destroy();
  assert.is(Gpu.borrow(device, { memoryBudget: 1 << 21 }).memoryBudget, 1 << 21);
});

test('an error outside any call is thrown once, by the next awaited call', async () => {
  const broken = Gpu.borrow(await freshDevice());
  const buffer = broken.scope().allocate('fine', 4);
  breakOnce(broken.device, buffer);
  const error = await failure(broken.idle());
  assert.instance(error, GpuError);
  assert.match(error!.message, /^The GPU reported an error: ./);
  assert.is(await failure(broken.idle()), undefined);
  assert.equal([...(await broken.readWords(buffer))], [0]);
  broken.device.destroy();
});

test('a refusal for want of memory is one line without places in the driver', async () => {
  const full = Gpu.borrow(await freshNullDevice());
  class GPUOutOfMemoryError {
    message = 'vkAllocateMemory failed\n - While calling x.\n    at Check (/home/x.cpp:119)\n';
  }
  full.device.dispatchEvent(Object.assign(new Event('uncapturederror'), { error: new GPUOutOfMemoryError() }));
  const error = await failure(full.idle());
  assert.instance(error, GpuError);
  assert.is(
    error!.message,
    'The GPU has no memory left (vkAllocateMemory failed). Use fewer factors, a smaller batch, or end what else uses it.',
  );
});

test('an adapter is named by its driver, else by vendor and architecture, and never not at all', () => {
  const named = (info: Partial<GPUAdapterInfo>) => describeAdapter(info as GPUAdapterInfo);
  assert.is(named({ description: 'llvmpipe (LLVM 19)', vendor: 'mesa' }).description, 'llvmpipe (LLVM 19)');
  assert.is(named({ description: '', device: 'nvidia-h100', vendor: 'nvidia' }).description, 'nvidia-h100');
  const browser = named({ description: '', device: '', vendor: 'google', architecture: 'swiftshader' });
  assert.is(browser.description, 'google swiftshader');
  assert.is(browser.isSoftware, true);
  assert.is(named({ vendor: 'apple', architecture: '' }).description, 'apple');
  for (const nothing of [{}, undefined]) assert.is(describeAdapter(nothing as undefined).description, 'an adapter without a name');
});

test('destroy lets go of a borrowed device, which lives on and is heard no more', async () => {
  const device = await freshDevice();
  const borrower = Gpu.borrow(device);
  borrower.destroy();
  borrower.destroy();
  const next = Gpu.borrow(device);
  assert.is.not(next, borrower);
  const buffer = next.scope().upload('data', Uint32Array.of(1, 2));
  assert.equal([...(await next.readWords(buffer))], [1, 2]);
  breakOnce(device, buffer);
  assert.instance(await failure(next.idle()), GpuError);
  borrower.throwIfFailed();
  borrower.destroy();
  assert.is(Gpu.borrow(device), next, 'a late destroy leaves the next one alone');
  device.destroy();
});

test('destroy ends a device of our own, once', async () => {
  const own = await Gpu.open(await testAdapter());
  own.destroy();
  own.destroy();
  assert.is((await own.device.lost).reason, 'destroyed');
  assert.instance(await failure(own.idle()), DeviceLostError);
});

test('a fit never runs out of a budget that its learner fits', async () => {
  const data = smallData();
  for (const options of [{}, { stepper: 'dense' }, { stepper: 'unfused' }, { stepper: 'persistent' }] as const) {
    const device = await freshDevice();
    const learner = (memoryBudget: number) => {
      const own = Gpu.borrow(device, { wgslLanguageFeatures: new Set(), memoryBudget });
      return collabLearner(data, { gpu: own, nFactors: 4, ...options }).finally(() => own.destroy());
    };
    const roomy = await learner(2 ** 30);
    const needed = roomy.gpu.allocated + READBACK_BYTES;
    roomy.release();
    let least = Infinity;
    // With less, windows are shorter, until there is no learner.
    for (let budget = needed; ; budget = Math.floor(0.8 * budget)) {
      const learn = await learner(budget).catch((error: unknown) => error);
      if (!(learn instanceof CollabLearner)) {
        assert.instance(learn, MemoryBudgetError);
        break;
      }
      least = budget;
      await learn.fitOneCycle(3, 0.01);
      await learn.fit(2, 0.01);
      assert.is(learn.history.epochs.length, 5);
      assert.ok(learn.gpu.peakAllocated <= budget);
      learn.release();
      assert.is(learn.gpu.allocated, 0);
    }
    assert.ok(least < Infinity);
    device.destroy();
  }
});

test('a kernel is compiled once', async () => {
  const [first, again, other] = await Promise.all([
    gpu.compile(fill),
    gpu.compile({ ...fill }),
    gpu.compile({ ...fill, workgroupSize: 32 }),
  ]);
  assert.is(first.compiled, again.compiled);
  assert.is.not(first.compiled, other.compiled);
});

test('wrong WGSL is quoted with its line', async () => {
  const wrong = defineKernel({
    ...fill,
    name: 'wrong',
    code: (declarations) => fill.code(declarations).replace('= immediates.value', '= 1.5'),
  });
  const error = await failure(gpu.compile(wrong));
  assert.instance(error, ShaderCompileError);
  assert.match(error!.message, /^wrong: line \d+: .*\n.*out\[id\.x\] = 1\.5;/);
  assert.is(await failure(gpu.idle()), undefined, 'and is no error of a later call');
});

test('a binding that WGSL uses otherwise than declared is refused', async () => {
  const wrong = defineKernel({ ...fill, name: 'wrong access', buffers: { out: 'read array<u32>' } });
  assert.match((await failure(gpu.compile(wrong)))!.message, /^wrong access: .*(read-only|cannot store|access)/s);
});

test('more workgroups than one dimension holds fold into two, and every index is written once', async () => {
  const limit = gpu.limits.maxComputeWorkgroupsPerDimension;
  const n = limit + 1000;
  const count = defineKernel({
    name: 'count',
    workgroupSize: 1,
    uniforms: { n: 'u32' },
    buffers: { out: 'read_write array<u32>' },
    code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i < uniforms.n) { out[i] += 1u + (i ^ groupIndex(group, groups)); }
}
`,
  });
  const pipeline = await gpu.compile(count);
  await gpu.withScope(async (scope) => {
    const out = scope.allocate('out', 4 * (n + 1000));
    gpu
      .record()
      .dispatch(pipeline.bind(scope, { out }, { n }), n)
      .submit();
    const words = await gpu.readWords(out);
    assert.ok(words.subarray(0, n).every((word) => word === 1));
    assert.ok(words.subarray(n).every((word) => word === 0));
  });
});

test('what is no device is refused by name', async () => {
  for (const value of [{}, null, { gpu }, 'gpu'] as never[])
    await assertRefused(() => collabLearner(smallData(), { gpu: value }), /^gpu must be a GPUDevice, or the gpu that/, TypeError);
});

test.run();
