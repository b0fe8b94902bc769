import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { difference } from '../../../bench/peers/compare.js';
import { RIVALS, runOnce } from '../../../bench/peers/run.js';
import { writeWork } from '../../../bench/peers/work.js';
import { split } from '../../../bench/workload.js';
import { plantedRatings } from '../../../src/data/planted.js';

const { columns } = plantedRatings({ nUsers: 60, nItems: 80, nRatings: 1500 });
const workload = { columns, name: 'small', source: '' };

const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
const work = await writeWork(folder, workload, 64, 2);
test.after(() => rm(folder, { recursive: true, force: true }));

const runOf = (rival: string) =>
  runOnce(
    RIVALS.find(({ name }) => name === rival)!,
    { folder, seconds: '10', adapter: '', nRatings: 1500 },
  );

test('a rival reads the work as it was written', async () => {
  const harness = new URL('../../../../bench/peers/rivals/harness.mjs', import.meta.url).href;
  const { readWork } = (await import(harness)) as { readWork(from: string): Record<string, number | Float32Array | Uint32Array> };
  const read = readWork(folder);
  const { train, valid, nTrain } = split(workload, 64);
  assert.equal(read['users'], train.users);
  assert.equal(read['ratings'], train.ratings);
  assert.equal(read['validItems'], valid.items);
  assert.is(work.nSteps, 2 * Math.floor(nTrain / 64));
  assert.is(read['nSteps'], work.nSteps);
  assert.is((read['lr'] as Float32Array).length, work.nSteps);
});

test('each epoch takes every training row once at most', async () => {
  const harness = new URL('../../../../bench/peers/rivals/harness.mjs', import.meta.url).href;
  const { readWork } = (await import(harness)) as { readWork(from: string): { order: Uint32Array } };
  const { order } = readWork(folder);
  const perEpoch = work.stepsPerEpoch * work.batchSize;
  assert.is(order.length, 2 * perEpoch);
  for (const epoch of [0, 1]) assert.is(new Set(order.subarray(epoch * perEpoch, (epoch + 1) * perEpoch)).size, perEpoch);
  assert.is.not(order[0], order[perEpoch]);
});

test('C++ makes the losses of plain JavaScript, and its validation error', async () => {
  const plain = await runOf('plain JavaScript');
  assert.is(plain.losses.length, work.nSteps);
  for (const name of ['C++ -O3', 'C++ -O3 -ffast-math']) {
    try {
      const { losses, mse } = await runOf(name);
      assert.is(difference(losses, plain.losses), undefined);
      assert.ok(Math.abs(mse! - plain.mse!) < 1e-5, `${mse} instead of ${plain.mse}`);
    } catch (error) {
      if (!(error as Error).message.startsWith('no compiler')) throw error;
      console.log(`skipped: ${name}: ${(error as Error).message}`);
    }
  }
});

test.run();
