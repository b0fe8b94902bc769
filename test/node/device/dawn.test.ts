import { spawn, spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { requestAdapter, withEnvironment } from '../../../src/node/device/dawn.js';
import { orNull, testGpu } from '../../helpers/device.js';
import { nullDevice } from '../../helpers/null-device.js';

test('environment variables hold during the work only, and come back even if it throws', () => {
  process.env['DOTBIAS_TEST_A'] = 'before';
  const now = () => [process.env['DOTBIAS_TEST_A'], process.env['DOTBIAS_TEST_B']];
  assert.equal(withEnvironment({ DOTBIAS_TEST_A: 'in', DOTBIAS_TEST_B: 'in' }, now), ['in', 'in']);
  assert.equal(now(), ['before', undefined]);
  assert.throws(
    () =>
      withEnvironment({ DOTBIAS_TEST_A: 'in', DOTBIAS_TEST_B: 'in' }, () => {
        throw new Error('x');
      }),
    /x/,
  );
  assert.equal(now(), ['before', undefined]);
  delete process.env['DOTBIAS_TEST_A'];
});

test('Dawn gets the flags', async () => {
  const refusal = await requestAdapter(['backend=none-such']).then(() => '', String);
  assert.match(refusal, /none-such/);
});

test('there is one GPU object for each set of flags and of variables that drivers read', async () => {
  const flags = ['backend=null'];
  const { gpu, adapter } = await requestAdapter(flags);
  const again = await requestAdapter(flags);
  assert.is(again.gpu, gpu);
  for (const each of [adapter, again.adapter]) (await each!.requestDevice()).destroy();
  assert.is((await requestAdapter(flags, { DOTBIAS_TEST_A: '1' })).gpu, gpu);
  const others = await Promise.all([requestAdapter(flags, { LP_NUM_THREADS: '7' }), requestAdapter(flags, { LP_NUM_THREADS: '7' })]);
  assert.is.not(others[0].gpu, gpu);
  assert.is(others[0].gpu, others[1].gpu);
});

/** What the null device says against `work`; '' if nothing. */
async function complaint(work: (device: GPUDevice) => unknown): Promise<string> {
  const device = await nullDevice();
  device.pushErrorScope('validation');
  work(device);
  return (await device.popErrorScope())?.message ?? '';
}

const kernel = '@group(0) @binding(0) var<storage, read_write> x: array<f32>; @compute @workgroup_size(64) fn main() { x[0] = 1; }';
const pipeline =
  (type: GPUBufferBindingType, code = kernel) =>
  (device: GPUDevice) => {
    const group = device.createBindGroupLayout({ entries: [{ binding: 0, visibility: 4, buffer: { type } }] });
    const layout = device.createPipelineLayout({ bindGroupLayouts: [group] });
    device.createComputePipeline({ layout, compute: { module: device.createShaderModule({ code }) } });
  };

test('the null device accepts a correct kernel and layout', async () => {
  assert.is(await complaint(pipeline('storage')), '');
});

test('the null device refuses wrong WGSL, a wrong layout and too large a workgroup', async () => {
  assert.match(await complaint((device) => device.createShaderModule({ code: 'fn main( {' })), /expected '\)'/);
  assert.match(await complaint(pipeline('read-only-storage')), /not compatible/);
  assert.match(await complaint(pipeline('storage', kernel.replace('64', '4096'))), /exceeds the maximum/);
});

/** Ends of a process with a live device, and the exit code that each must give. */
const ends: [string, string, number][] = [
  ['runs out of work in the midst of GPU work', 'busy();', 0],
  ['exits after validation errors', 'invalid(); process.exit(3);', 3],
  ['exits inside the uncapturederror event', 'device.addEventListener("uncapturederror", () => process.exit(3)); invalid();', 3],
  [
    'throws inside the uncapturederror event',
    'device.addEventListener("uncapturederror", () => { throw new Error("expected"); }); invalid();',
    1,
  ],
  ['exits in the midst of GPU work and a pending map', 'busy(); read.mapAsync(1).catch(() => {}); process.exit(3);', 3],
  ['throws after validation errors', 'invalid(); busy(); throw new Error("expected");', 1],
  ['destroys the device, then exits', 'busy(); device.destroy(); process.exit(3);', 3],
  ['exits when the device is lost', 'device.lost.then(() => process.exit(3)); device.destroy();', 3],
  [
    'exits after a buffer that is too large',
    `
    device.pushErrorScope('validation'); device.pushErrorScope('out-of-memory');
    device.createBuffer({ size: 2 ** 50, usage: 128 });
    const errors = [await device.popErrorScope(), await device.popErrorScope()];
    process.exit(errors.some(Boolean) ? 3 : 4);`,
    3,
  ],
  [
    'exits from a SIGINT handler',
    `
    process.on('SIGINT', () => process.exit(130)); busy(); read.mapAsync(1).catch(() => {});
    setTimeout(() => {}, 10000); process.kill(process.pid, 'SIGINT');`,
    130,
  ],
];

const opening = `
  import { openAdapter } from ${JSON.stringify(new URL('../../../src/node/device/adapter.js', import.meta.url).href)};
  import { destroyAtExit } from ${JSON.stringify(new URL('../../../src/node/device/dawn.js', import.meta.url).href)};
  const name = process.env.DOTBIAS_TEST_ADAPTER;
  const { adapter } = await openAdapter(name ? { name } : {});
  const device = await adapter.requestDevice();
  destroyAtExit(device);
  const invalid = () => device.createShaderModule({ code: 'fn main( {' });
  const size = 1 << 20;
  const data = device.createBuffer({ size, usage: 4 | 128 }), read = device.createBuffer({ size, usage: 1 | 8 });
  const busy = () => {
    const module = device.createShaderModule({ code: \`
      @group(0) @binding(0) var<storage, read_write> x: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        for (var i = 0u; i < 300u; i++) { x[id.x] = x[id.x] * 1664525u + i; }
      }\` });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
    const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: data } }] }));
    pass.dispatchWorkgroups(1024);
    pass.end();
    encoder.copyBufferToBuffer(data, 0, read, 0, size);
    device.queue.submit([encoder.finish()]);
  };`;

const hasAdapter = (await orNull(testGpu())) !== null;
for (const [name, script, code] of hasAdapter ? ends : []) {
  test(`a process that ${name} gives its own exit code`, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', `${opening}\n${script}`], { stdio: 'ignore', timeout: 20_000 });
    const end = await new Promise((resolve) => child.once('exit', (status, signal) => resolve([status, signal])));
    assert.equal(end, [code, null]);
  });
}

/** Opens and destroys devices in a process of its own, and prints how many were collected, and the listeners left. */
const manyDevices = `
  import { openGpu } from ${JSON.stringify(new URL('../../../src/node/device/device.js', import.meta.url).href)};
  const name = process.env.DOTBIAS_TEST_ADAPTER;
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  const before = process.listenerCount('exit');
  process.on('warning', (warning) => console.log(warning.message));
  for (let i = 0; i < 20; i++) {
    const { gpu } = await openGpu(name ? { name } : {});
    registry.register(gpu.device);
    await gpu.withScope((scope) => gpu.read(scope.upload('data', new Float32Array(4))));
    gpu.destroy();
  }
  for (let i = 0; i < 20 && collected < 18; i++) { globalThis.gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
  console.log(collected >= 18, process.listenerCount('exit') - before);`;

if (hasAdapter) {
  test('devices that were destroyed can be collected, and leave no listener', () => {
    const { stdout } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', manyDevices], { encoding: 'utf8' });
    assert.is(stdout, 'true 1\n');
  });
}

test.run();
