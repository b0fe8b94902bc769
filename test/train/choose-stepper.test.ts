import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gpu } from '../../src/gpu/gpu.js';
import { collabLearner } from '../../src/train/learner.js';
import { calibrationFile } from '../../src/node/device/calibrations.js';
import type { StepperName } from '../../src/steps/stepper.js';
import { smallData } from '../helpers/data.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { sameBits } from '../helpers/training.js';

const options = { nFactors: 4, yRange: [0, 5.5] as const };

/** A device whose calibrations can be seen, and may already say something. */
async function gpuThatKnows(answer?: string) {
  const known = new Map<string, string>();
  const gpu = Gpu.borrow(await freshDevice(), {
    calibrations: { get: async (key) => answer ?? known.get(key), set: async (key, value) => void known.set(key, value) },
  });
  return { gpu, known };
}

test("stepper 'auto' takes one of the paths, remembers it, and frees what it tried", async () => {
  const { gpu, known } = await gpuThatKnows();
  const learn = await collabLearner(smallData(), { ...options, stepper: 'auto', gpu });
  assert.ok(['lazy', 'persistent', 'dense'].includes(learn.trainer.stepper.name));
  assert.equal([...known.values()], [learn.trainer.stepper.name]);
  const again = await collabLearner(smallData(), { ...options, stepper: 'auto', gpu });
  assert.is(known.size, 1);
  assert.is(again.trainer.stepper.name, learn.trainer.stepper.name);
  learn.release();
  again.release();
  assert.is(gpu.allocated, 0);
});

for (const stepper of ['lazy', 'persistent', 'dense'] as StepperName[]) {
  test(`stepper 'auto' that remembers ${stepper} trains as stepper '${stepper}', bit for bit`, async () => {
    const { gpu } = await gpuThatKnows(stepper);
    const [auto, named] = [
      await collabLearner(smallData(), { ...options, stepper: 'auto', gpu }),
      await collabLearner(smallData(), { ...options, stepper, gpu }),
    ];
    assert.is(auto.trainer.stepper.name, stepper);
    await auto.fitOneCycle(1, 0.01);
    await named.fitOneCycle(1, 0.01);
    assert.ok(sameBits((await auto.embeddings.readState()).param, (await named.embeddings.readState()).param));
  });
}

test('a remembered stepper that cannot do what is asked is measured again', async () => {
  const { gpu, known } = await gpuThatKnows('unfused');
  const learn = await collabLearner(smallData(), { ...options, stepper: 'auto', gpu });
  assert.is(known.size, 1);
  assert.is.not(learn.trainer.stepper.name, 'unfused');
});

test('other sizes are measured for themselves', async () => {
  const { gpu, known } = await gpuThatKnows();
  for (const nFactors of [4, 8]) (await collabLearner(smallData(), { ...options, nFactors, stepper: 'auto', gpu })).release();
  assert.is(known.size, 2);
});

test('calibrations outlast the process in a file, and a damaged file is as none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dotbias-'));
  const path = join(folder, 'calibration.json');
  await calibrationFile(path).set('a', 'lazy');
  await calibrationFile(path).set('b', 'dense');
  assert.is(await calibrationFile(path).get('a'), 'lazy');
  assert.is(await calibrationFile(path).get('b'), 'dense');
  for (const damage of ['{"a": 7}', '[', 'null', '']) {
    writeFileSync(path, damage);
    assert.is(await calibrationFile(path).get('a'), undefined);
  }
  await calibrationFile(path).set('a', 'persistent');
  assert.equal(JSON.parse(readFileSync(path, 'utf8')), { a: 'persistent' });
  rmSync(folder, { recursive: true });
  await (await sharedGpu()).idle();
});

test.run();
