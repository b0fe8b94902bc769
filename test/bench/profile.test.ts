import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { profileDevice, profileFit } from '../../bench/profile.js';
import { PassClock } from '../../bench/measure.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { Recorder } from '../../src/gpu/recorder.js';
import { HostBatches } from '../../src/steps/host-batches.js';
import { StepTable } from '../../src/steps/step-table.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { smallData } from '../helpers/data.js';
import { sharedGpu } from '../helpers/gpu.js';

const gpu = await sharedGpu();
const METERED = [
  HostBatches.prototype.build,
  StepTable.prototype.window,
  Gpu.prototype.write,
  Gpu.prototype.record,
  Recorder.prototype.submit,
];

for (const batches of ['host', 'device'] as const) {
  test(`a profile of steps from batches made on the ${batches} tells each share of the host and each kernel apart`, async () => {
    const learn = await collabLearner(smallData(), { nFactors: 4, gpu, stepper: 'lazy', batches });
    const clock = new PassClock(gpu, false);
    try {
      const { nSteps, wall, cpu, host } = await profileFit(learn, 0.1);
      assert.ok(nSteps > 0 && wall > 0 && cpu > 0);
      const shares = Object.entries(host).filter(([, us]) => us > 0);
      assert.equal(
        shares.map(([name]) => name),
        batches === 'host' ? ['order', 'grouping', 'table', 'write', 'encode', 'submit'] : ['table', 'write', 'encode', 'submit'],
      );
      assert.equal(METERED, [
        HostBatches.prototype.build,
        StepTable.prototype.window,
        Gpu.prototype.write,
        Gpu.prototype.record,
        Recorder.prototype.submit,
      ]);
      const device = await profileDevice(learn, clock, 2, 100);
      assert.equal(
        Object.keys(device).sort(),
        batches === 'host' ? ['enter', 'losses', 'step'] : ['copies', 'draw', 'enter', 'fill', 'losses', 'sort', 'step'],
      );
      assert.ok(Object.values(device).every((us) => us > 0));
    } finally {
      clock.release();
      learn.release();
    }
  });
}

test.run();
