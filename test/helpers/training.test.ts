/** The comparison that most tests stand on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertClose } from './training.js';

/** What assertClose says; uvu's own `throws` lets assertions through. */
function said(a: number[], b: number[]): string {
  try {
    assertClose(a, b, 1e-6, 'x');
    return 'close';
  } catch (error) {
    return (error as Error).message;
  }
}

test('assertClose refuses what differs, and a NaN wherever it stands', () => {
  assert.is(said([1, 2], [1, 2]), 'close');
  assert.match(said([1, 2.1], [1, 2]), /x\[1\] is 2\.1/);
  for (const a of [
    [NaN, 1, 1],
    [1, NaN, 1],
    [1, 1, NaN],
    [9, NaN, 1],
  ])
    assert.match(said(a, [1, 1, 1]), /is NaN/);
  assert.match(said([1], [1, 2]), /lengths/);
});

test.run();
