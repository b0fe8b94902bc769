import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { firstOf } from '../../src/base/first-of.js';

test('the first numbers of an array are a view of it where they are most of it, else a copy', () => {
  const array = Uint32Array.from({ length: 100 }, (_, k) => k * k);
  for (const count of [0, 1, 79, 80, 99, 100]) {
    const first = firstOf(array, count);
    assert.equal(first, array.slice(0, count));
    assert.is(first.buffer === array.buffer, count >= 80);
  }
});

test.run();
