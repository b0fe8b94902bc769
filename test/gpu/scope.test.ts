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

test('children are released with their parent, and alone', () => {
  const before = gpu.allocated;
  const parent = gpu.scope();
  parent.allocate('own', 4);
  const [first, second] = [parent.child(), parent.child()];
  first.allocate('first', 8);
  second.child().allocate('grandchild', 16);
  assert.is(gpu.allocated, before + 28);
  first.release();
  assert.is(gpu.allocated, before + 20);
  parent.release();
  assert.is(gpu.allocated, before);
  first.release();
  second.release();
  assert.is(gpu.allocated, before);
});

test('what was released makes nothing more', () => {
  const scope = gpu.scope();
  const child = scope.child();
  scope.release();
  for (const each of [scope, child]) {
    assert.throws(() => each.allocate('late', 4), /^late: its scope has been released\.$/);
    assert.throws(() => each.upload('late', new Uint32Array(1)), /^late: its scope has been released\.$/);
    assert.throws(() => each.child(), /has been released/);
  }
});

test('what throws half-way keeps nothing', async () => {
  const small = Gpu.borrow(await freshNullDevice(), { memoryBudget: 1000 });
  const owner = small.scope();
  owner.allocate('kept', 100);
  const work = small.withScope(async (scope) => {
    scope.allocate('a', 400);
    scope.child().allocate('b', 400);
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
    kind: fc.constantFrom('allocate', 'child', 'release'),
    scope: fc.nat(),
    bytes: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const before = gpu.allocated;
      /** Every scope made, what it holds, and the scope that it is a child of. */
      const made: { scope: Scope; bytes: number; isAlive: boolean; parent: number }[] = [];
      const make = (parent: number) => {
        const scope = parent < 0 ? gpu.scope() : made[parent].scope.child();
        made.push({ scope, bytes: 0, isAlive: true, parent });
      };
      const end = (at: number) => {
        made[at].isAlive = false;
        made.forEach(({ parent }, child) => parent === at && end(child));
      };
      make(-1);
      for (const { kind, scope, bytes } of actions) {
        const at = scope % made.length;
        const own = made[at];
        if (kind === 'release') {
          own.scope.release();
          end(at);
        } else if (kind === 'child') {
          if (own.isAlive) make(at);
          else make(-1);
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
