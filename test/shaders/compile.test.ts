/** Every kernel in every variant is accepted by a device that validates and computes nothing, however immediates come. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allKernels, kernelByName, kernelNames } from '../../shaders/index.js';
import { adam } from '../../shaders/ops/adam.js';
import { mse } from '../../shaders/ops/loss.js';
import { identity, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { lazyPartials } from '../../shaders/train/lazy-partials.wgsl.js';
import { lazyCountedStep, lazyStep, lazySteps } from '../../shaders/train/lazy-step.wgsl.js';
import { optimizerStep } from '../../shaders/train/optimizer-step.wgsl.js';
import { ShaderCompileError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { kernelSource, type Kernel } from '../../src/gpu/kernel.js';
import { variantOf } from '../helpers/lazy-window.js';
import { freshNullDevice } from '../helpers/null-device.js';
import { cosine, logCosh, negativeSquaredDistance, rmsProp } from '../helpers/ops.js';

const [immediates, none] = await Promise.all([freshNullDevice(), freshNullDevice()]);
const modes = [
  Gpu.borrow(immediates, { wgslLanguageFeatures: new Set(['immediate_address_space']) }),
  Gpu.borrow(none, { wgslLanguageFeatures: new Set() }),
];
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
    for (const score of [cosine, negativeSquaredDistance]) {
      for (const name of kernelNames) await gpu.compile(kernelByName(name, { loss: logCosh, score }));
    }
    await gpu.compile(optimizerStep(rmsProp));
  });
}

test('lanes that shuffle compile, however many share a row', async () => {
  const device = await freshNullDevice();
  const gpu = Gpu.borrow(device, { wgslLanguageFeatures: new Set(['immediate_address_space']) });
  assert.ok(gpu.smallestSubgroup > 0);
  for (const lanes of [2, 4, 8, 16]) {
    for (const score of [dotProduct, cosine]) {
      const variant = variantOf(adam(), { score, nFactors: 64, lanes, shuffles: true });
      for (const replays of [false, true]) await gpu.compile(lazyStep({ ...variant, replays }));
      await gpu.compile(lazyCountedStep(variant));
      await gpu.compile(lazySteps(variant, 256));
      await gpu.compile(lazyPartials({ ...variant, splitsLongRows: true }));
    }
  }
});

test('a name stands for one text', () => {
  const sources = new Map<string, string>();
  const pick = <T>(flags: number, bit: number, choices: readonly [T, T]) => choices[(flags >> bit) & 1];
  for (const name of kernelNames) {
    for (let flags = 0; flags < 256; flags++) {
      const kernel = kernelByName(name, {
        hasBias: pick(flags, 0, [true, false]),
        ownBiasDecay: pick(flags, 1, [true, false]),
        replays: pick(flags, 2, [true, false]),
        range: pick(flags, 3, [sigmoidRange([0, 1]), identity]),
        nFactors: pick(flags, 4, [1, 40]),
        loss: pick(flags, 5, [mse, logCosh]),
        optimizer: pick(flags, 6, [adam(), sgd({ momentum: true })]),
        score: pick(flags, 7, [dotProduct, cosine]),
      });
      const source = `${kernel.workgroupSize} ${kernelSource(kernel, 'immediate')}`;
      assert.is(sources.get(kernel.name) ?? source, source, kernel.name);
      sources.set(kernel.name, source);
    }
  }
});

test('no function of ours is passed a pointer to a member, which naga cannot compile', () => {
  for (const name of kernelNames) {
    assert.not.match(kernelSource(kernelByName(name, { lanes: 4 }), 'immediate'), /(?<!atomic\w+\()&\w+[.[]/, name);
  }
});

test('constants of an op are uniforms: other values need no other kernel', () => {
  const text = (beta2: number, hi: number) =>
    kernelSource(kernelByName('lazySteps', { optimizer: adam({ beta2 }), range: sigmoidRange([0, hi]) }), 'immediate');
  assert.is(text(0.99, 5), text(0.9, 10));
});

/** What is said of a kernel spoiled in one place. */
async function complaint(gpu: Gpu, spoil: Partial<Kernel>): Promise<string> {
  const error = await gpu.compile({ ...kernelByName('scores'), ...spoil, name: 'spoiled' }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ShaderCompileError);
  return (error as Error).message;
}

for (const gpu of modes) {
  test(`a kernel that does not fit its spec is refused, ${gpu.immediateMode}`, async () => {
    const { code, buffers } = kernelByName('scores');
    assert.match(await complaint(gpu, { buffers: { users: 'read array<vec4f>', items: 'read array<vec4f>' } }), /unresolved value 'sums'/);
    assert.match(await complaint(gpu, { buffers: { ...buffers, items: 'read array<u32>' } }), /type mismatch/);
    assert.match(await complaint(gpu, { buffers: { ...buffers, z: 'read array<f32>' } }), /cannot store|read-only|access/);
    assert.match(await complaint(gpu, { uniforms: { batchSize: 'u32' } }), /rowVecs/);
    assert.match(await complaint(gpu, { workgroupSize: 100_000 }), /workgroup|exceeds/i);
    assert.match(await complaint(gpu, { code: (declarations) => code(declarations).replace('fn main', 'fn other') }), /entry point|main/i);
  });
}

test.run();
