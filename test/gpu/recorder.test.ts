import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBudgetError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { defineKernel } from '../../src/gpu/kernel.js';
import { UNIFORM_ALIGNMENT } from '../../src/gpu/scope.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { dynamicUniformGpu, freshDevice, sharedGpu } from '../helpers/gpu.js';

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

const failure = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  return undefined;
};

for (const gpu of [await sharedGpu(), await dynamicUniformGpu()]) {
  const mode = gpu.immediateMode;

  test(`${mode}: a buffer is cleared between the dispatches before and after`, async () => {
    const pushing = await gpu.compile(push);
    await gpu.withScope(async (scope) => {
      const [out, kept] = [scope.upload('out', Uint32Array.of(7, 8, 9)), scope.upload('kept', Uint32Array.of(1, 2, 3))];
      const [binding, other] = [out, kept].map((buffer) => pushing.bind(scope, { out: buffer }, { at: 1 }));
      const recorder = gpu.record().dispatch(binding, 1, { value: 1, scale: 1 }).dispatch(other, 1, { value: 2, scale: 1 });
      recorder.clear(out).dispatch(binding, 1, { value: 5, scale: 1 }).submit();
      assert.equal([...(await gpu.readWords(out)), ...(await gpu.readWords(kept))], [0, 5, 0, 1, 6, 3]);
    });
  });

  test(`${mode}: a repeated dispatch keeps its place among others, and each sees what the one before has written`, async () => {
    await gpu.withScope(async (scope) => {
      const out = scope.allocate('out', 8);
      const pushing = (await gpu.compile(push)).bind(scope, { out }, { at: 0 });
      const adding = (await gpu.compile(add)).bind(scope, { out });
      const recorder = gpu.record().dispatch(pushing, 1, { value: 3, scale: 1 }).repeat(adding, 1, 5).repeat(adding, 0, 5);
      recorder.repeat(adding, 1, 0).dispatch(pushing, 1, { value: 1, scale: 2 }).submit();
      assert.is((await gpu.readWords(out))[0], 2 * (3 + 500) + 2);
    });
  });

  test(`${mode}: dispatches run in their order, each with its own values`, async () => {
    const [pushing, adding] = await Promise.all([gpu.compile(push), gpu.compile(add)]);
    const [found, wanted] = await gpu.withScope(async (scope) => {
      const out = scope.allocate('out', 8);
      const first = pushing.bind(scope, { out }, { at: 0 });
      const second = pushing.bind(scope, { out }, { at: 1 });
      const recorder = gpu.record();
      let [a, b] = [0, 0];
      for (let value = 1; value <= 8; value++) {
        recorder.dispatch(first, 1, { value, scale: 1 }).dispatch(second, 1, { value, scale: 2 });
        [a, b] = [2 * a + value, 2 * b + 2 * value];
        if (value !== 4) continue;
        recorder.dispatch(adding.bind(scope, { out }), 1);
        a += 100;
      }
      recorder.submit();
      return [await gpu.readWords(out), [a, b]];
    });
    assert.equal([...found], wanted);
  });

  for (const nSlots of [undefined, 1, 2, 9]) {
    test(`${mode}: copies keep their place among dispatches, with room for ${nSlots ?? 'no'} immediates`, async () => {
      const pushing = await gpu.compile(push);
      const before = gpu.allocated;
      await gpu.withScope(async (scope) => {
        const [out, log] = [scope.allocate('out', 4), scope.allocate('log', 16)];
        const slots = nSlots === undefined ? undefined : scope.slots(nSlots);
        const binding = pushing.bind(scope, { out }, { at: 0 });
        const held = gpu.allocated;
        gpu
          .record('copies', { slots })
          .dispatch(binding, 1, { value: 3, scale: 1 })
          .copy(out, 0, log, 0, 4)
          .dispatch(binding, 1, { value: 5, scale: 1 })
          .dispatch(binding, 1, { value: 6, scale: 1 })
          .copy(out, 0, log, 4, 4)
          .copy(out, 0, log, 8, 4)
          .dispatch(binding, 1, { value: 9, scale: 1 })
          .copy(out, 0, log, 12, 4)
          .submit();
        assert.is(gpu.allocated, held, 'a recorder gives its own room back');
        assert.equal([...(await gpu.readWords(log))], [3, 28, 28, 65]);
      });
      assert.is(gpu.allocated, before);
    });
  }

  test(`${mode}: nothing is dispatched for no threads`, async () => {
    const pushing = await gpu.compile(push);
    await gpu.withScope(async (scope) => {
      const out = scope.allocate('out', 4);
      const binding = pushing.bind(scope, { out }, { at: 0 });
      gpu.record().dispatch(binding, 0, { value: 1, scale: 1 }).dispatch(binding, 1, { value: 1, scale: 1 }).submit();
      assert.equal([...(await gpu.readWords(out))], [1]);
    });
  });

  test(`${mode}: a missing value or buffer is named`, async () => {
    const pushing = await gpu.compile(push);
    await gpu.withScope(async (scope) => {
      const out = scope.allocate('out', 4);
      assert.throws(() => pushing.bind(scope, {} as { out: GPUBuffer }, { at: 0 }), /^push: no buffer for out$/);
      assert.throws(() => pushing.bind(scope, { out }, {} as { at: number }), /^push: no value for at$/);
      const binding = pushing.bind(scope, { out }, { at: 0 });
      assert.throws(
        () => gpu.record().dispatch(binding, 1, { value: 1 } as { value: number; scale: number }),
        /^push: no value for scale$/,
      );
    });
  });
}

test('where immediates are uniforms, room that the recorder makes itself counts against the budget', async () => {
  const gpu = Gpu.borrow(await freshDevice(), { wgslLanguageFeatures: new Set(), memoryBudget: 2000 });
  const pushing = await gpu.compile(push);
  await gpu.withScope(async (scope) => {
    const binding = pushing.bind(scope, { out: scope.allocate('out', 4) }, { at: 0 });
    const held = gpu.allocated;
    const recorded = (n: number) => {
      const recorder = gpu.record();
      for (let k = 0; k < n; k++) recorder.dispatch(binding, 1, { value: 1, scale: 1 });
      return recorder;
    };
    recorded(3).submit();
    assert.is(gpu.peakAllocated, held + 3 * UNIFORM_ALIGNMENT);
    assert.instance(
      failure(() => recorded(8).submit()),
      MemoryBudgetError,
    );
    assert.is(gpu.allocated, held);
    // Room made beforehand is used instead.
    const slots = scope.slots(7);
    const recorder = gpu.record('slots', { slots });
    for (let k = 0; k < 7; k++) recorder.dispatch(binding, 1, { value: 1, scale: 1 });
    recorder.submit();
    assert.is(gpu.peakAllocated, held + 7 * UNIFORM_ALIGNMENT);
  });
  await gpu.idle();
  gpu.device.destroy();
});

test.run();
