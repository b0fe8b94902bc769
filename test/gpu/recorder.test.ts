import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { dynamicUniformGpu, sharedGpu } from '../helpers/gpu.js';

/** out[at] = 2 out[at] + value */
const push = defineKernel({
  name: 'push',
  workgroupSize: 1,
  uniforms: { at: 'u32' },
  immediates: { value: 'u32', scale: 'f32' },
  buffers: { out: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main() { out[uniforms.at] = 2u * out[uniforms.at] + immediates.value * u32(immediates.scale); }
`,
});
/** out[0] = out[0] + 100, without immediates */
const add = defineKernel({
  name: 'add',
  workgroupSize: 1,
  buffers: { out: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main() { out[0] += 100u; }
`,
});

for (const gpu of [await sharedGpu(), await dynamicUniformGpu()]) {
  const mode = gpu.immediateMode;

  test(`${mode}: dispatches run in their order, each with its own values`, async () => {
    const out = gpu.allocate('out', 8);
    const [pushing, adding] = await Promise.all([gpu.compile(push), gpu.compile(add)]);
    const first = pushing.bind({ out }, { at: 0 });
    const second = pushing.bind({ out }, { at: 1 });
    const recorder = gpu.record();
    for (let value = 1; value <= 8; value++) {
      recorder.dispatch(first, 1, { value, scale: 1 }).dispatch(second, 1, { value, scale: 2 });
      if (value === 4) recorder.dispatch(adding.bind({ out }), 1);
    }
    recorder.submit();
    let [a, b] = [0, 0];
    for (let value = 1; value <= 8; value++) {
      [a, b] = [2 * a + value, 2 * b + 2 * value];
      if (value === 4) a += 100;
    }
    assert.equal([...(await gpu.readWords(out))], [a, b]);
    assert.is(recorder.nDispatches, 17);
    [first, second].forEach((binding) => binding.release());
    gpu.release(out);
  });

  test(`${mode}: copies and clears keep their place among dispatches`, async () => {
    const out = gpu.allocate('out', 4);
    const log = gpu.allocate('log', 16);
    const binding = (await gpu.compile(push)).bind({ out }, { at: 0 });
    gpu
      .record()
      .dispatch(binding, 1, { value: 3, scale: 1 })
      .copy(out, 0, log, 0, 4)
      .dispatch(binding, 1, { value: 5, scale: 1 })
      .copy(out, 0, log, 4, 4)
      .clear(out)
      .copy(out, 0, log, 8, 4)
      .dispatch(binding, 1, { value: 9, scale: 1 })
      .copy(out, 0, log, 12, 4)
      .submit();
    assert.equal([...(await gpu.readWords(log))], [3, 11, 0, 9]);
    binding.release();
    gpu.release(out, log);
  });

  test(`${mode}: uniforms change between submissions`, async () => {
    const out = gpu.allocate('out', 8);
    const binding = (await gpu.compile(push)).bind({ out }, { at: 0 });
    gpu.record().dispatch(binding, 1, { value: 4, scale: 1 }).submit();
    binding.setUniforms({ at: 1 });
    gpu.record().dispatch(binding, 1, { value: 6, scale: 1 }).submit();
    assert.equal([...(await gpu.readWords(out))], [4, 6]);
    binding.release();
    gpu.release(out);
  });

  test(`${mode}: nothing is dispatched for no threads, and nothing stays allocated`, async () => {
    const before = gpu.allocated;
    const out = gpu.allocate('out', 4);
    const binding = (await gpu.compile(push)).bind({ out }, { at: 0 });
    const recorder = gpu.record().dispatch(binding, 0, { value: 1, scale: 1 });
    assert.is(recorder.nDispatches, 0);
    recorder.dispatch(binding, 1, { value: 1, scale: 1 }).submit();
    assert.equal([...(await gpu.readWords(out))], [1]);
    binding.release();
    gpu.release(out);
    assert.is(gpu.allocated, before);
  });

  test(`${mode}: a missing value or buffer is named`, async () => {
    const out = gpu.allocate('out', 4);
    const pipeline = await gpu.compile(push);
    assert.throws(() => pipeline.bind({} as { out: GPUBuffer }, { at: 0 }), /TypeError|push: no buffer for out/);
    assert.throws(() => pipeline.bind({ out }, {} as { at: number }), /push: no value for at/);
    const binding = pipeline.bind({ out }, { at: 0 });
    assert.throws(() => gpu.record().dispatch(binding, 1, { value: 1 } as { value: number; scale: number }), /push: no value for scale/);
    binding.release();
    gpu.release(out);
  });
}

test.run();
