// A device that is lost, by a driver or by whoever destroyed it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceLostError } from '../../src/base/errors.js';
import { encodeModel } from '../../src/files/model-file.js';
import { columnMoments } from '../../shaders/answer/column-moments.wgsl.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { smallData } from '../helpers/data.js';
import { testAdapter } from '../helpers/device.js';
import { breakOnce, freshDevice } from '../helpers/gpu.js';
import { refusal } from '../helpers/refusal.js';

test('a lost device fails every later call', async () => {
  const lost = Gpu.borrow(await freshDevice());
  const buffer = lost.scope().allocate('buffer', 4);
  lost.device.destroy();
  await lost.device.lost;
  for (const work of [() => lost.idle(), () => lost.readWords(buffer), () => lost.compile(columnMoments)]) {
    assert.is((await refusal(work, DeviceLostError)).message, DESTROYED);
  }
});

const DESTROYED = 'The GPU device was destroyed: open another, and make or load the model anew.';

test('a device lost in the midst of a readback is said to be lost, though the readback is rejected first', async () => {
  for (const turns of [0, 20]) {
    const device = await freshDevice();
    delayLoss(device, turns);
    const lost = Gpu.borrow(device);
    const buffer = lost.scope().allocate('buffer', 4);
    const reading = refusal(() => lost.readWords(buffer), DeviceLostError);
    device.destroy();
    assert.is((await reading).message, DESTROYED);
  }
});

test('a loss is not forgotten over an error that came before it', async () => {
  const lost = Gpu.borrow(await freshDevice());
  breakOnce(lost.device, lost.scope().allocate('fine', 4));
  lost.device.destroy();
  await lost.device.lost;
  for (let k = 0; k < 3; k++) await refusal(() => lost.idle(), DeviceLostError);
});

/** As drivers have it that tell of a loss late: what waited was rejected some turns of the event loop before. */
function delayLoss(device: GPUDevice, turns: number): void {
  const late = device.lost.then(async (info) => {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    return info;
  });
  Object.defineProperty(device, 'lost', { value: late });
}

test('a device of our own that is destroyed in the midst of a fit ends it, and whatever comes later, with a sentence', async () => {
  for (const stepper of ['lazy', 'dense'] as const) {
    const own = await Gpu.open(await testAdapter());
    const learn = await collabLearner(smallData(), { gpu: own, nFactors: 3, stepper });
    const fit = () => learn.fit(5, 0.01, { onProgress: () => own.destroy() });
    const later = [() => learn.fit(1), () => learn.validate(), () => learn.recommend(1), () => learn.lrFind(), () => encodeModel(learn)];
    for (const work of [fit, ...later]) assert.is((await refusal(work, DeviceLostError)).message, DESTROYED);
    learn.release();
  }
});

test('a device destroyed by whoever, in the midst of a fit or of lrFind, is said to be lost', async () => {
  for (const stepper of ['lazy', 'dense', 'unfused', 'persistent'] as const) {
    for (const work of ['fit', 'lrFind'] as const) {
      const device = await freshDevice();
      delayLoss(device, 5);
      const learn = await collabLearner(smallData(), { gpu: device, nFactors: 3, stepper, stepsPerSubmission: 10 });
      const hooks = { onProgress: () => device.destroy() };
      const error = await refusal(() => (work === 'fit' ? learn.fit(5, 0.01, hooks) : learn.lrFind(hooks)), DeviceLostError);
      assert.is(error.message, DESTROYED, `${stepper}, ${work}`);
      learn.release();
    }
  }
});

test.run();
