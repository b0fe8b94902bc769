import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GPU_BUFFER } from '../../src/gpu/constants.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { type Scope, UNIFORM_ALIGNMENT } from '../../src/gpu/scope.js';
import { nullDevice, freshNullDevice } from '../helpers/null-device.js';

const gpu = Gpu.borrow(await nullDevice());
const failure = (work: Promise<unknown>) => work.then(() => 'no failure', String);

test('a second release does nothing, and nothing ever counts below zero', () => {
  const before = gpu.allocated;
  const other = gpu.scope();
  other.allocate('other', 64);
  const scope = gpu.scope();
  const buffer = scope.allocate('a', 100);
  assert.is(gpu.allocated, before + 164);
  scope.release();
  scope.release();
  gpu.destroyBuffer(buffer);
  assert.is(gpu.allocated, before + 64);
  other.release();
  assert.is(gpu.allocated, before);
});

test('what was released makes nothing more', () => {
  const scope = gpu.scope();
  scope.release();
  assert.throws(() => scope.allocate('late', 4), /^late: its scope has been released\.$/);
  assert.throws(() => scope.upload('late', new Uint32Array(1)), /^late: its scope has been released\.$/);
});

test('what throws half-way keeps nothing', async () => {
  const small = Gpu.borrow(await freshNullDevice(), { memoryBudget: 1000 });
  const owner = small.scope();
  owner.allocate('kept', 100);
  const work = small.withScope(async (scope) => {
    scope.allocate('a', 400);
    scope.allocate('b', 400);
    assert.is(small.allocated, 900);
    scope.allocate('c', 400);
  });
  assert.match(await failure(work), /MemoryBudgetError: c needs .* over the budget/);
  assert.is(small.allocated, 100);
  assert.match(await failure(small.withScope(() => Promise.reject(new Error('other')))), /other/);
  owner.release();
  assert.is(small.allocated, 0);
});

test('withScope hands on what the work gives, after it has given all back', async () => {
  const before = gpu.allocated;
  assert.is(
    await gpu.withScope(async (scope) => {
      scope.allocate('a', 8);
      await Promise.resolve();
      assert.is(gpu.allocated, before + 8);
      return 7;
    }),
    7,
  );
  assert.is(gpu.allocated, before);
});

test('buffers can be copied and written, sizes are whole words', () => {
  const scope = gpu.scope();
  const buffer = scope.allocate('a', 5);
  assert.is(buffer.size, 8);
  assert.is(buffer.usage, GPU_BUFFER.STORAGE | GPU_BUFFER.COPY_SRC | GPU_BUFFER.COPY_DST);
  assert.is(scope.allocate('none', 0).size, 4);
  scope.release();
});

test('room for immediates is made only where WGSL has none', async () => {
  for (const [features, bytes] of [
    [['immediate_address_space'], 0],
    [[], 3 * UNIFORM_ALIGNMENT],
  ] as const) {
    const own = Gpu.borrow(await freshNullDevice(), { wgslLanguageFeatures: new Set(features) });
    const scope = own.scope();
    assert.is(scope.slots(3)?.size ?? 0, bytes);
    assert.is(own.allocated, bytes);
    scope.release();
    assert.is(own.allocated, 0);
  }
});

test('any order of allocations and releases leaves allocated what is alive', () => {
  const action = fc.record({
    kind: fc.constantFrom('allocate', 'scope', 'release'),
    scope: fc.nat(),
    bytes: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const before = gpu.allocated;
      /** Every scope made, and what it holds. */
      const made: { scope: Scope; bytes: number; isAlive: boolean }[] = [];
      const make = () => made.push({ scope: gpu.scope(), bytes: 0, isAlive: true });
      make();
      for (const { kind, scope, bytes } of actions) {
        const own = made[scope % made.length];
        if (kind === 'release') {
          own.scope.release();
          own.isAlive = false;
        } else if (kind === 'scope') {
          make();
        } else if (own.isAlive) {
          own.bytes += own.scope.allocate('a', bytes).size;
        }
        const alive = made.filter(({ isAlive }) => isAlive).reduce((sum, each) => sum + each.bytes, 0);
        assert.is(gpu.allocated - before, alive);
      }
      for (const { scope } of made) scope.release();
      assert.is(gpu.allocated, before);
    }),
  );
});

test.run();
