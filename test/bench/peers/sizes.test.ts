import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { epochsFor, sizesOf } from '../../../bench/peers/sizes.js';
import { openSet } from '../../../bench/workload.js';

test('the sizes are those of the sets asked for, or the batch sizes given', () => {
  assert.equal(sizesOf(), [
    { set: 'ml-100k', batchSizes: [64, 4096, 65_536] },
    { set: 'ml-1m', batchSizes: [4096, 65_536] },
  ]);
  assert.equal(sizesOf(['ml-10m']), [{ set: 'ml-10m', batchSizes: [65_536] }]);
  assert.equal(sizesOf(['ml-1m'], ['64', '512']), [{ set: 'ml-1m', batchSizes: [64, 512] }]);
});

test('a set or a batch size that does not exist is refused', () => {
  assert.throws(() => sizesOf(['ml-2m']), "There is no set 'ml-2m'; there are ml-100k, ml-1m, ml-10m.");
  for (const size of ['0', '1.5', 'many', '']) assert.throws(() => sizesOf(['ml-1m'], [size]), /whole number/);
  assert.throws(() => epochsFor(90_000, 100_000), 'A batch of 100000 is more than the 90000 ratings');
});

test('there are the five epochs of the tutorial, one of a large set, and always enough steps', () => {
  assert.is(epochsFor(90_000, 64), 5);
  assert.is(epochsFor(90_000, 4096), 10);
  assert.is(epochsFor(90_000, 65_536), 200);
  assert.is(epochsFor(9_000_000, 4096), 1);
  assert.is(epochsFor(9_000_000, 65_536), 2);
});

test('a shape has as many ratings as its set', async () => {
  const { columns, name } = await openSet('ml-1m');
  assert.is(columns.ratings.length, 1_000_209);
  assert.is(new Set(columns.users as Uint32Array).size, 6040);
  assert.is(name, 'planted, shape of ML-1M');
});

test.run();
