import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { idlePoles, idleQ } from '../../../shaders/ops/adam-poles.js';
import { adam } from '../../../shaders/ops/adam.js';
import { idleStruct } from '../../../shaders/ops/optimizer.js';
import { defineKernel, read } from '../../../src/gpu/kernel.js';
import { type Fields, type Struct, StructArray } from '../../../src/gpu/struct.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { oneCycle } from '../../../src/schedule/schedule.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertClose } from '../../helpers/training.js';

const gpu = await sharedGpu();

/** Ten times what SwiftShader and lavapipe are off by, relatively. */
const Q_TOLERANCE = 2e-6;

test("update is fastai's Adam, written out", () => {
  const [lr, beta1, beta2, eps, wd, t] = [0.03, 0.87, 0.99, 1e-5, 0.2, 4];
  const { update, rate } = adam({ beta2, eps });
  for (const [p, m, v, g] of [
    [1, 0, 0, 0.5],
    [-0.3, 0.02, 0.01, -0.7],
    [2, 0.1, 0.02, 0],
  ]) {
    let wanted = p * (1 - lr * wd);
    const m1 = beta1 * m + (1 - beta1) * g;
    const v1 = beta2 * v + (1 - beta2) * g ** 2;
    wanted -= ((lr / (1 - beta1 ** t)) * m1) / (Math.sqrt(v1 / (1 - beta2 ** t)) + eps);
    assertClose(update(p, m, v, g, rate(lr, beta1, t), wd), [wanted, m1, v1], 1e-14, 'p, m, v', 0.1);
  }
});

test('the first step moves by the learning rate, whatever the gradient', () => {
  const { update, rate } = adam({ eps: 1e-12 });
  for (const g of [1e-3, -5, 70]) {
    const [p] = update(0, 0, 0, g, rate(0.01, 0.9, 1), 0);
    assert.ok(Math.abs(p + 0.01 * Math.sign(g)) < 1e-10);
  }
});

test('a parameter without a gradient decays', () => {
  const { update, rate } = adam();
  assert.equal(update(2, 0, 0, 0, rate(0.1, 0.9, 9), 0.5), [2 * (1 - 0.05), 0, 0]);
});

test("constants are fastai 1's unless given, and refused out of range", () => {
  assert.equal(adam().uniforms, { beta2: 0.99, eps: 1e-8 });
  assert.equal(adam({ beta2: 0.5, eps: 1e-12 }).uniforms, { beta2: 0.5, eps: 1e-12 });
  for (const beta2 of [0, 1, NaN]) assert.throws(() => adam({ beta2 }), /beta2 must lie in \(0, 1\), not /);
  for (const eps of [0, 1e-13, 1, NaN]) assert.throws(() => adam({ eps }), /eps must lie in \[1e-12, 1\), not /);
});

for (const eps of [1e-8, 1e-5]) {
  test(`the WGSL of Q is the sum over its poles: eps ${eps}`, async () => {
    const idle = adam({ eps }).idle!;
    const Idle = idleStruct(idle) as Struct<Fields>;
    const kernel = defineKernel({
      name: 'idleQ',
      workgroupSize: 1,
      buffers: { idles: read(Idle), s: 'read array<vec4f>', q: 'read_write array<vec4f>' },
      code: (declarations) => wgsl`${declarations}${idle.wgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main() { q[0] = idleQ(idles[0], s[0]); }
`,
    });
    const polesOf = idlePoles(oneCycle({ totalSteps: 400, lrMax: 0.01 }), { wd: 0.1, beta2: 0.99, eps, stepCount: 0 });
    const pipeline = await gpu.compile(kernel);
    for (const t of [100, 250, 390, 399]) {
      const idles = new StructArray(Idle, 1);
      const poles = polesOf(t, t + 1);
      idles.set(0, poles);
      for (const s of [
        [1, 0.1, 1e-2, 1e-3],
        [1e-4, 1e-5, 1e-6, 3],
      ]) {
        const found = await gpu.withScope((scope) => {
          const q = scope.allocate('q', 16);
          const buffers = { idles: scope.upload('idles', idles.words), s: scope.upload('s', Float32Array.from(s)), q };
          gpu.record().dispatchGroups(pipeline.bind(scope, buffers), 1).submit();
          return gpu.readFloats(q);
        });
        const wanted = s.map((each) => idleQ(poles, each));
        assertClose(found, wanted, Q_TOLERANCE, `Q of step ${t}`, 0);
      }
    }
  });
}

test.run();
