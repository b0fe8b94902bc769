import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Column } from '../../src/read/column.js';

test('a column of any length holds what was pushed, and gives the rows that are kept', () => {
  for (const n of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const column = new Column(Float64Array);
    for (let row = 0; row < n; row++) column.push(row / 2);
    if (n > 0) column.set(n - 1, -1);
    const array = column.toArray();
    assert.equal([array.length, column.length], [n, n]);
    assert.ok(array.every((value, row) => value === column.at(row) && value === (row === n - 1 ? -1 : row / 2)));
    const odd = column.toArray((row) => row % 2 === 1);
    assert.ok(odd.length === Math.floor(n / 2) && odd.every((value, k) => value === array[2 * k + 1]));
  }
});

test('whatever was expected, and however often, a column holds what was pushed; what one block holds is not copied', () => {
  for (const expected of [[], [10], [150_000], [200_000], [10, 70_000, 300_000], [250_000, 5]]) {
    const column = new Column(Uint32Array);
    for (let row = 0; row < 200_000; row++) {
      if (row % 60_000 === 30_000 && expected.length > 0) column.expect(expected.shift()!);
      column.push(row ^ 5);
    }
    const array = column.toArray();
    assert.is(array.length, 200_000);
    assert.ok(array.every((value, row) => value === (row ^ 5) && column.at(row) === value));
  }
  const one = new Column(Float32Array);
  one.expect(100_000);
  for (let row = 0; row < 100_000; row++) one.push(row);
  assert.is(one.toArray().buffer, one.toArray().buffer);
  assert.throws(() => one.at(100_001), /no row 100001/);
  one.expect(2 ** 53 - 1);
  one.push(-1);
  assert.equal([one.length, one.at(99_999), one.at(100_000)], [100_001, 99_999, -1]);
  one.clear();
  assert.is(one.length, 0);
  one.push(7);
  assert.equal([...one.toArray()], [7]);
});

test.run();
