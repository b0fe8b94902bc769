/** Every kernel in every variant is accepted by a device that validates and computes nothing, however immediates come. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allKernels, kernelByName, kernelNames } from '../../shaders/index.js';
import { logCosh, rmsProp,  } from '../helpers/ops.js';
import { sigmoidRange } from '../../shaders/ops/range.js';
import { optimizerStep } from '../../shaders/train/optimizer-step.wgsl.js';
import { ShaderCompileError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { kernelSource, type Kernel } from '../../src/gpu/kernel.js';
import { nullDevice } from '../helpers/null-device.js';

const device = await nullDevice();
const modes = [new Set(['immediate_address_space']), new Set<string>()].map((wgslLanguageFeatures) =>
  Gpu.borrow(device, { wgslLanguageFeatures }),
);
const kernels = allKernels();

test('there are kernels of every name, with and without immediates', () => {
  for (const name of kernelNames)
    assert.ok(
      kernels.some((kernel) => kernel.name.startsWith(name)),
      name,
    );
  assert.equal(
    modes.map(({ immediateMode }) => immediateMode),
    ['immediate', 'dynamic uniform'],
  );
});

for (const gpu of modes) {
  for (const kernel of kernels) {
    test(`${kernel.name} compiles, ${gpu.immediateMode}`, async () => {
      assert.is((await gpu.compile(kernel)).kernel, kernel);
    });
  }

  test(`kernels with ops of a researcher compile, ${gpu.immediateMode}`, async () => {
    for (const name of kernelNames) await gpu.compile(kernelByName(name, { loss: logCosh }));
    await gpu.compile(optimizerStep(sgd));
  });
}

test('a name stands for one text', () => {
  const sources = new Map<string, string>();
  for (const name of kernelNames) {
    for (let flags = 0; flags < 128; flags++) {
      const [bias, ownBiasDecay, software, inRange, one, otherLoss, otherOptimizer] = Array.from(
        { length: 7 },
        (_, bit) => (flags & (1 << bit)) > 0,
      );
      const kernel = kernelByName(name, {
        bias,
        ownBiasDecay,
        software,
        range: sigmoidRange(inRange ? [0, 1] : null),
        nFactors: one ? 1 : 40,
        ...(otherLoss && { loss: logCosh }),
        ...(otherOptimizer && { optimizer: sgd }),
      });
      const source = `${kernel.workgroupSize} ${kernelSource(kernel, 'immediate')}`;
      assert.is(sources.get(kernel.name) ?? source, source, kernel.name);
      sources.set(kernel.name, source);
    }
  }
});

/** What is said of a kernel spoiled in one place. */
async function complaint(gpu: Gpu, spoil: Partial<Kernel>): Promise<string> {
  const error = await gpu.compile({ ...kernelByName('dotBias'), ...spoil, name: 'spoiled' }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ShaderCompileError);
  return (error as Error).message;
}

for (const gpu of modes) {
  test(`a kernel that does not fit its spec is refused, ${gpu.immediateMode}`, async () => {
    const { code, buffers } = kernelByName('dotBias');
    assert.match(await complaint(gpu, { buffers: { users: 'read array<f32>', items: 'read array<f32>' } }), /unresolved value 'z'/);
    assert.match(await complaint(gpu, { buffers: { ...buffers, items: 'read array<u32>' } }), /no matching overload/);
    assert.match(await complaint(gpu, { buffers: { ...buffers, z: 'read array<f32>' } }), /cannot store|read-only|access/);
    assert.match(await complaint(gpu, { uniforms: { batchSize: 'u32' } }), /rowStride/);
    assert.match(await complaint(gpu, { workgroupSize: 100_000 }), /workgroup|exceeds/i);
    assert.match(await complaint(gpu, { code: (declarations) => code(declarations).replace('fn main', 'fn other') }), /entry point|main/i);
  });
}

test.run();
