import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBudgetError } from '../../src/base/errors.js';
import { sharedGpu } from '../helpers/gpu.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

const gpu = await sharedGpu();
const shape = { nUsers: 601, nItems: 50, nFactors: 3 };
const waves = tablesOf(shape, (table, i) => Math.sin(1 + i * (table + 1)));

test('blocks of users that fit a small memory budget give the same lists, within that budget', async () => {
  const large = await modelOf(shape, waves);
  const whole = await large.recommendAll(4, { exclude: 'none' });
  const memoryBudget = gpu.allocated + 4096 + 9 * 16 + 600 * 20; // a third of the users
  gpu.peakAllocated = 0;
  let calls = 0;
  const inBlocks = await large.recommendAll(4, { exclude: 'none', memoryBudget, onProgress: () => calls++ });
  assert.equal(inBlocks, whole);
  assert.ok(calls >= 3, `${calls} calls`);
  assert.ok(gpu.peakAllocated <= memoryBudget, `${gpu.peakAllocated} of ${memoryBudget} bytes`);
  await assertRefused(
    () => large.recommendAll(4, { exclude: 'none', memoryBudget: NaN }),
    /^memoryBudget must be a positive number, not NaN/,
  );
  await assertRefused(
    () => large.recommendAll(4, { exclude: 'none', memoryBudget: gpu.allocated + 1000 }),
    /^Lists of 4 items do not fit the memory budget, of which 0\.0 MiB are left: ask for fewer items or raise memoryBudget\.$/,
    MemoryBudgetError,
  );
  large.release();
});

test('the lists of few users, made in slices of the items, are those of many', async () => {
  const wide = { nUsers: 9, nItems: 2000, nFactors: 3 };
  const model = await modelOf(
    wide,
    tablesOf(wide, (table, i) => Math.sin(1 + i * (table + 1)) + (table === 3 && i % 3 === 0 ? 1 : 0)),
  );
  const all = await model.recommendAll(5, { exclude: 'none' });
  for (let user = 1; user < 9; user++) {
    const { items, predictions } = await model.recommendAll(5, { exclude: 'none', users: [`u${user}`] });
    assert.equal(items, all.items.slice(5 * (user - 1), 5 * user));
    assert.equal(predictions, all.predictions.slice(5 * (user - 1), 5 * user));
  }
  model.release();
});

test('progress counts pairs up to all of them', async () => {
  const model = await modelOf(shape, waves);
  const seen: number[] = [];
  await model.recommendAll(4, {
    exclude: 'none',
    onProgress: ({ done, total }) => {
      assert.is(total, 600 * 49);
      seen.push(done);
    },
  });
  assert.is(seen.at(-1), 600 * 49);
  assert.equal(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  model.release();
});

test('an aborted call throws the reason of its signal, and nothing stays allocated', async () => {
  const model = await modelOf(shape, waves);
  const before = gpu.allocated;
  const signal = AbortSignal.abort(new Error('Enough.'));
  await assertRefused(() => model.recommendAll(3, { exclude: 'none', signal }), /^Enough\.$/, Error);
  assert.is(gpu.allocated, before);
  model.release();
});

test('more places than a typed array surely holds are refused', async () => {
  const model = await modelOf(shape, waves);
  await assertRefused(
    () => model.recommendAll(2 ** 40, { exclude: 'none' }),
    /^600 lists of \d+ items are too many for one call; ask for fewer users or items\.$/,
  );
  model.release();
});

test.run();
