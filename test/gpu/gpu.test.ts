import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceLostError, GpuError, MemoryBudgetError, ShaderCompileError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';

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
  const buffer = gpu.upload('data', data);
  assert.equal(await gpu.readWords(buffer), data);
  assert.equal(await gpu.readWords(buffer, 10, 5), data.slice(10, 15));
  assert.is((await gpu.readWords(buffer, 10, 0)).length, 0);
  gpu.write(buffer, Uint32Array.of(7, 8), 4 * 20);
  assert.equal([...(await gpu.readWords(buffer, 19, 4))], [361, 7, 8, 484]);
  gpu.release(buffer);
});

test('a new buffer holds zeros', async () => {
  const buffer = gpu.allocate('zeros', 10);
  assert.is(buffer.size, 12);
  assert.equal([...(await gpu.readWords(buffer))], [0, 0, 0]);
  gpu.release(buffer);
});

test('allocated bytes are counted, and the most there ever were', () => {
  const [before, peak] = [gpu.allocated, gpu.peakAllocated];
  const buffers = [gpu.allocate('a', 1 << 22), gpu.allocate('b', 1 << 22)];
  assert.is(gpu.allocated, before + (1 << 23));
  gpu.release(...buffers, undefined);
  assert.is(gpu.allocated, before);
  assert.is(gpu.peakAllocated, Math.max(peak, before + (1 << 23)));
});

test('an allocation over the budget is refused before it is made', async () => {
  const small = Gpu.borrow(gpu.device, { memoryBudget: 1 << 20 });
  const kept = small.allocate('kept', 1 << 19);
  const error = (() => {
    try {
      small.allocate('ratings', (1 << 19) + 4);
    } catch (caught) {
      return caught as Error;
    }
    return undefined;
  })();
  assert.instance(error, MemoryBudgetError);
  assert.match(
    error!.message,
    /^ratings needs 0\.5 MiB of GPU memory beside 0\.5 MiB in use, over the budget of 1\.0 MiB\. Use fewer factors/,
  );
  assert.is(small.allocated, 1 << 19);
  small.allocate('fits', 1 << 19);
  small.release(kept);
});

test('a buffer that the adapter cannot bind is refused', () => {
  const binding = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  const roomy = Gpu.borrow(gpu.device, { memoryBudget: 2 ** 50 });
  assert.throws(() => roomy.allocate('table', binding + 4), /table needs one buffer of [\d.]+ MiB, but .* binds at most [\d.]+ MiB/);
});

test('an error outside any call is thrown once, by the next awaited call', async () => {
  const broken = Gpu.borrow(await freshDevice());
  const buffer = broken.allocate('fine', 4);
  const encoder = broken.device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, buffer, 1 << 20, 4); // beyond the end
  encoder.finish();
  const error = await failure(broken.idle());
  assert.instance(error, GpuError);
  assert.match(error!.message, /^The GPU reported an error: ./);
  assert.is(await failure(broken.idle()), undefined);
  assert.equal([...(await broken.readWords(buffer))], [0]);
  broken.device.destroy();
});

test('a lost device fails every later call', async () => {
  const lost = Gpu.borrow(await freshDevice());
  const buffer = lost.allocate('buffer', 4);
  lost.device.destroy();
  await lost.device.lost;
  for (const work of [() => lost.idle(), () => lost.readWords(buffer), () => lost.compile(fill)]) {
    const error = await failure(work());
    assert.instance(error, DeviceLostError);
    assert.match(error!.message, /The GPU device was lost/);
  }
});

test('a borrowed device outlives us', async () => {
  const device = await freshDevice();
  const borrower = Gpu.borrow(device);
  borrower.destroy();
  const next = Gpu.borrow(device);
  const buffer = next.upload('data', Uint32Array.of(1, 2));
  assert.equal([...(await next.readWords(buffer))], [1, 2]);
  device.destroy();
});

test('a kernel is compiled once', async () => {
  assert.is(await gpu.compile(fill), await gpu.compile({ ...fill }));
  assert.is.not(await gpu.compile(fill), await gpu.compile({ ...fill, workgroupSize: 32 }));
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
  const out = gpu.allocate('out', 4 * (n + 1000));
  const binding = (await gpu.compile(count)).bind({ out }, { n });
  gpu.record().dispatch(binding, n).submit();
  const words = await gpu.readWords(out);
  assert.ok(words.subarray(0, n).every((word) => word === 1));
  assert.ok(words.subarray(n).every((word) => word === 0));
  binding.release();
  gpu.release(out);
});

test.run();
