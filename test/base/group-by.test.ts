import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { countBy, groupBy } from '../../src/base/group-by.js';

const problems = fc.integer({ min: 1, max: 12 }).chain((nKeys) =>
  fc.record({
    nKeys: fc.constant(nKeys),
    keys: fc.oneof(
      fc.array(fc.nat(nKeys - 1), { maxLength: 60 }),
      fc.array(fc.nat(nKeys - 1), { maxLength: 60 }).map((keys) => Uint32Array.from(keys)),
    ),
  }),
);

test('the positions of each key are found, in ascending order', () => {
  fc.assert(
    fc.property(problems, ({ keys, nKeys }) => {
      const { start, order } = groupBy(keys, nKeys);
      assert.is(start.length, nKeys + 1);
      assert.is(order.length, keys.length);
      const positions = Array.from(keys, (_, position) => position);
      for (let key = 0; key < nKeys; key++) {
        assert.equal(
          Array.from(order.subarray(start[key], start[key + 1])),
          positions.filter((position) => keys[position] === key),
        );
      }
    }),
  );
});

test('counts are the sizes of the groups', () => {
  fc.assert(
    fc.property(problems, ({ keys, nKeys }) => {
      const { start } = groupBy(keys, nKeys);
      assert.equal(
        countBy(keys, nKeys),
        Uint32Array.from({ length: nKeys }, (_, key) => start[key + 1] - start[key]),
      );
    }),
  );
});

test('no keys make empty groups', () => {
  assert.equal(groupBy([], 2), { start: Uint32Array.of(0, 0, 0), order: new Uint32Array(0) });
  assert.equal(countBy([], 0), new Uint32Array(0));
});

test('the keys are not changed', () => {
  const keys = Uint32Array.of(2, 0, 2, 1);
  groupBy(keys, 3);
  countBy(keys, 3);
  assert.equal(keys, Uint32Array.of(2, 0, 2, 1));
});

test.run();
