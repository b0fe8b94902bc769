import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rating } from '../../shaders/ops/structs.js';
import { sharedRatings } from '../../src/steps/shared-ratings.js';
import { sharedGpu } from '../helpers/gpu.js';
import { randomRatings } from '../helpers/training.js';

const gpu = await sharedGpu();

test('ratings are uploaded once for all who share them, and given back with the last', () => {
  const train = randomRatings({ nUsers: 5, nItems: 6 }, 100, 1);
  const other = randomRatings({ nUsers: 5, nItems: 6 }, 10, 2);
  const before = gpu.allocated;
  const scopes = [0, 1, 2].map(() => gpu.scope());
  const [first, second, third] = scopes.map((scope) => sharedRatings(scope, scope === scopes[2] ? other : train));
  assert.is(first, second);
  assert.is.not(first, third);
  assert.is(gpu.allocated, before + 12 * 110);
  scopes[0].release();
  scopes[0].release();
  scopes[2].release();
  assert.is(gpu.allocated, before + 12 * 100);
  scopes[1].release();
  assert.is(gpu.allocated, before);
  const again = gpu.scope();
  assert.is.not(sharedRatings(again, train), first);
  again.release();
});

test('every rating is there, items counted from the first, in pieces or whole', async () => {
  const train = randomRatings({ nUsers: 500, nItems: 700 }, 2 ** 18 + 5, 3);
  await gpu.withScope(async (scope) => {
    const words = await gpu.readWords(sharedRatings(scope, train));
    const floats = new Float32Array(words.buffer);
    const column = (from: ArrayLike<number>, at: number) => Float64Array.from(train.ratings, (_, i) => from[Rating.size * i + at]);
    assert.equal(column(words, Rating.at.user), Float64Array.from(train.users));
    assert.equal(column(words, Rating.at.item), Float64Array.from(train.items));
    assert.equal(column(floats, Rating.at.y), Float64Array.from(train.ratings));
  });
});

test('what does not fit the budget leaves nothing behind', () => {
  const train = { users: new Uint32Array(2 ** 24), items: new Uint32Array(2 ** 24), ratings: new Float32Array(2 ** 24) };
  const before = gpu.allocated;
  const scope = gpu.scope();
  if (gpu.maxBinding < 12 * 2 ** 24) assert.throws(() => sharedRatings(scope, train), /training ratings needs one buffer of 192\.0 MiB/);
  scope.release();
  assert.is(gpu.allocated, before);
});

test.run();
