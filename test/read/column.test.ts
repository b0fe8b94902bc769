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

test.run();
