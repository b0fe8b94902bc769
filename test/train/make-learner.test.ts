import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ShaderCompileError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { logCosh } from '../helpers/ops.js';
import { assertRefused, refusal } from '../helpers/refusal.js';
import { data, makeLearner, outcomeOf, run } from '../helpers/short-run.js';
import { assertClose, randomTables, STEPPERS } from '../helpers/training.js';

const test = suite('make learner');
const gpu = await sharedGpu();

test('no two of the four tables start alike', async () => {
  const learn = await makeLearner({ nFactors: 1 });
  const { userFactors, itemFactors, userBias, itemBias } = await learn.tables();
  learn.release();
  const tables = [userFactors, itemFactors, userBias, itemBias];
  for (const [k, table] of tables.entries()) {
    for (const other of tables.slice(0, k)) {
      const alike = table.filter((value, row) => value === other[row]).length;
      assert.is(alike, 0, `${alike} rows`);
    }
  }
});

for (const stepper of STEPPERS) {
  test(`a loss whose WGSL does not compile is refused, and nothing stays allocated (${stepper})`, async () => {
    const before = gpu.allocated;
    const error = await makeLearner({ stepper, loss: { ...logCosh, name: 'broken', wgsl: 'fn loss(' } }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.instance(error, ShaderCompileError);
    assert.is(gpu.allocated, before);
  });
}

const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors: 8, hasBias: true };
const init = randomTables(shape, 1);
for (const [what, wrong, message] of [
  ['of another size', randomTables({ ...shape, nUsers: 3 }, 1), /^userFactors must hold \d+ values, not 24\.$/],
  ['without a table', { ...init, itemBias: undefined as never }, /^itemBias must hold \d+ values, not undefined\.$/],
  [
    'that are not numbers',
    { ...init, userBias: init.userBias.with(3, NaN) },
    /^userBias\[3\] is NaN, not a finite number up to 1000000000000000\.$/,
  ],
  ['that are infinite', { ...init, itemFactors: init.itemFactors.with(5, -Infinity) }, /^itemFactors\[5\] is -Infinity/],
] as const) {
  test(`starting values ${what} are refused, and nothing stays allocated`, async () => {
    const before = gpu.allocated;
    await assertRefused(() => makeLearner({ init: wrong }), message);
    assert.is(gpu.allocated, before);
  });
}

test('a GPUDevice may be lent: it is one and the same for two learners, and lives on', async () => {
  const device = await freshDevice();
  const [learn, other] = [await makeLearner({ gpu: device }), await makeLearner({ gpu: device })];
  assert.is(learn.gpu, other.gpu);
  await learn.fitOneCycle(1, 0.01);
  other.release();
  assertClose(await outcomeOf(learn), await run(), 2e-6, 'outcome');
  assert.is(learn.gpu.allocated, 0);
  const buffer = device.createBuffer({ size: 4, usage: 0x80 | 4 });
  assert.equal([...(await Gpu.borrow(device).readWords(buffer))], [0]);
  device.destroy();
});

test('a device opened for a learner ends with it, or at once if the learner cannot be made', async () => {
  const devices: GPUDevice[] = [];
  const open = async () => {
    const device = await freshDevice();
    devices.push(device);
    const opened = Gpu.borrow(device);
    Object.assign(opened, { destroy: () => device.destroy() });
    return opened;
  };
  const learn = await collabLearner(data, { nFactors: 4 }, open);
  await learn.fit(1);
  learn.release();
  learn.release();
  await refusal(() => collabLearner(data, { nFactors: 4, init }, open));
  assert.is(devices.length, 2);
  for (const device of devices) assert.is((await device.lost).reason, 'destroyed');
});

test('without WebGPU the message says what to do', async () => {
  const error = await collabLearner(data).then(() => '', String);
  assert.match(error, /No WebGPU here: in Node, import from 'dotbias-node'/);
});

test.run();
