import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asWritten } from '../../src/base/decimal.js';

test('a number of float32 is written with as few digits as tell it from its neighbours', () => {
  assert.is(asWritten(Math.fround(3.4)), 3.4);
  assert.is(asWritten(Math.fround(-0.1)), -0.1);
  assert.is(asWritten(16777217), 16777216);
  assert.equal([0, 5, 0.5, 1e9, -99].map(asWritten), [0, 5, 0.5, 1e9, -99]);
  assert.equal([Infinity, -Infinity].map(asWritten), [Infinity, -Infinity]);
  fc.assert(fc.property(fc.float({ noNaN: true }), (x) => Math.fround(asWritten(x)) === x));
});

test.run();
