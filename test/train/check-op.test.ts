import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { mse, type LossOp } from '../../shaders/ops/loss.js';
import { checkOp } from '../../src/train/check-op.js';
import { logCosh, rmsProp,  } from '../helpers/ops.js';
import { sharedGpu } from '../helpers/gpu.js';

const gpu = await sharedGpu();
const complaint = (op: LossOp | typeof adam) => checkOp(gpu, op).then(() => '', String);

for (const op of [mse, logCosh, adam, sgd]) test(`${op.name} passes`, () => checkOp(gpu, op));

test('a wrong loss in WGSL is named, with arguments and both values', async () => {
  const wrong = { ...mse, name: 'wrong', wgsl: mse.wgsl.replace('return e * e', 'return e * e + 0.001') };
  assert.match(await complaint(wrong), /DotbiasError: wrong: WGSL loss\(-?[\d.]+, -?[\d.]+\) is [\d.]+, but its twin's value is [\d.]+/);
});

test('a wrong gradient in WGSL is found', async () => {
  assert.match(await complaint({ ...mse, wgsl: mse.wgsl.replace('2.0', '2.001') }), /WGSL lossGrad/);
});

test('a gradient that is not the slope is found', async () => {
  const wrong = { ...mse, wgsl: mse.wgsl.replace('2.0', '1.0'), grad: (yHat: number, y: number) => yHat - y };
  assert.match(await complaint(wrong), /grad\(.*\) is .*, but the slope of value is/);
});

test('a wrong optimiser in WGSL is found, of either element type', async () => {
  for (const type of ['f32', 'vec4f'] as const) {
    const wrong = {
      ...adam,
      wgsl: (each: typeof type) => (each === type ? adam.wgsl(each).replace('+ eps', '+ 2.0 * eps + 0.1') : adam.wgsl(each)),
    };
    assert.match(await complaint(wrong), new RegExp(`p of WGSL update for ${type}`));
  }
});

test('WGSL that does not compile is quoted', async () => {
  assert.match(
    await complaint({ ...mse, wgsl: mse.wgsl.replace('return e * e', 'return nonsense') }),
    /ShaderCompileError: .*checkOp\[mse\].*\n.*nonsense/s,
  );
});

test('nothing stays allocated', async () => {
  const before = gpu.allocated;
  await checkOp(gpu, mse);
  await checkOp(gpu, adam);
  assert.is(gpu.allocated, before);
});

test('the example trains with a loss of its own, written in under 20 lines', async () => {
  const source = fileURLToPath(new URL('../../../examples/huber.ts', import.meta.url));
  const op = /^const huber[^]*?^}\);$/m.exec(readFileSync(source, 'utf8'))![0];
  assert.ok(op.split('\n').length < 20);
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../examples/huber.js', import.meta.url))]);
  const [, loss, mseOfRun] = /loss: ([\d.]+),\s+mse: ([\d.]+)/.exec(stdout)!.map(Number);
  assert.ok(loss < mseOfRun, 'the Huber loss is below the squared error');
  assert.ok(mseOfRun < 1.5, `it learns: ${stdout}`);
});

test.run();
