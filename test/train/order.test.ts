import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkedOrder, type EpochOrder, randomOrder } from '../../src/train/order.js';
import { assertRefused } from '../helpers/refusal.js';

test('a random order holds every row once, another in each epoch and for each seed, the same every time', () => {
  const order = randomOrder(1000, 7);
  const epochs = Array.from({ length: 5 }, (_, epoch) => order(epoch));
  for (const rows of epochs)
    assert.equal(
      [...rows].sort((a, b) => a - b),
      Array.from({ length: 1000 }, (_, k) => k),
    );
  assert.is(new Set([...epochs, randomOrder(1000, 8)(0)].map(String)).size, 6);
  assert.equal(randomOrder(1000, 7)(3), epochs[3]);
});

test('an order of the caller is taken as it is', () => {
  const rows = Uint32Array.of(2, 0, 1);
  const epochs: number[] = [];
  const order = checkedOrder(3, (epoch) => (epochs.push(epoch), rows));
  assert.is(order(4), rows);
  assert.equal(epochs, [4]);
});

const wrong: [rows: unknown, message: RegExp, type?: typeof TypeError][] = [
  [Uint32Array.of(0, 1), /^order\(2\) must hold the 3 training rows, not 2\.$/],
  [Uint32Array.of(0, 1, 2, 3), /must hold the 3 training rows, not 4/],
  [Uint32Array.of(0, 3, 1), /^order\(2\)\[1\] is 3, but training rows are 0 to 2\.$/],
  [Uint32Array.of(0, 1, 0), /^order\(2\) names row 0 twice\.$/],
  [[0, 1, 2], /^order\(2\) must be a Uint32Array, not \[0, 1, 2\]\.$/, TypeError],
  [undefined, /must be a Uint32Array, not undefined/, TypeError],
];
for (const [rows, message, type = RangeError] of wrong) {
  test(`an order of ${String(rows)} for three rows is refused`, () =>
    assertRefused(() => checkedOrder(3, (() => rows) as EpochOrder)(2), message, type as never));
}

test.run();
