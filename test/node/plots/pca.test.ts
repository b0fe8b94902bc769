import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hash32 } from '../../../src/index.js';
import { itemMap, itemPca } from '../../../src/node/plots/pca.js';
import { modelOf, ratingsOf, tablesOf } from '../../helpers/rated-model.js';

const sizes = { nUsers: 4, nItems: 41, nFactors: 3 };
// Items along (1, 2, 2)/3 with deviation 3, along (2, -2, 1)/3 with deviation 1; #na# far off, which must not count.
const along = (item: number) => [3, 1].map((deviation, c) => deviation * (hash32(3, item, c, 0) / 2 ** 31 - 1));
const itemFactor = (i: number) => {
  const [item, f] = [Math.floor(i / 3), i % 3];
  const [a, b] = along(item);
  return item === 0 ? 100 : (a * [1, 2, 2][f] + b * [2, -2, 1][f]) / 3 + 5;
};
const tables = tablesOf(sizes, (table, i) => (table === 1 ? itemFactor(i) : 0));

const fails = async (work: Promise<unknown>, type: Function, pattern: RegExp) => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof type && pattern.test((error as Error).message), String(error));
};

test('components are the directions in which items were spread, signs fixed', async () => {
  const model = await modelOf(sizes, tables);
  const { items, coordinates, directions, variance, explainedVariance } = await itemPca(model, 3);
  assert.is(items.length, 40);
  assert.is(items[0], 'i1');
  const close = (a: ArrayLike<number>, b: number[], tolerance: number) =>
    b.forEach((value, i) => assert.ok(Math.abs(a[i] - value) < tolerance, `${a[i]} is not ${value}`));
  close(directions[0], [1 / 3, 2 / 3, 2 / 3], 0.1);
  assert.ok(Math.max(...directions[1].map(Math.abs)) === Math.max(...directions[1]));
  close(explainedVariance, [0.9, 0.1, 0], 0.05);
  coordinates.forEach((column, c) => {
    const mean = column.reduce((a, b) => a + b) / 40;
    assert.ok(Math.abs(mean) < 1e-6);
    assert.ok(Math.abs(column.reduce((sum, x) => sum + x * x, 0) / 39 - variance[c]) < 1e-6 * variance[0]);
  });
  model.release();
});

test('turning all vectors around keeps the signs of the directions', async () => {
  const model = await modelOf(sizes, tables);
  const turned = await modelOf(sizes, { ...tables, itemFactors: tables.itemFactors.map((value) => -value) });
  const [a, b] = [await itemPca(model), await itemPca(turned)];
  a.directions.forEach((direction, c) => direction.forEach((value, f) => assert.ok(Math.abs(value - b.directions[c][f]) < 1e-9)));
  assert.ok(Math.abs(a.coordinates[0][0] + b.coordinates[0][0]) < 1e-6);
  model.release();
  turned.release();
});

test('the map shows the most rated items', async () => {
  const model = await modelOf(sizes, tables, {
    train: ratingsOf([
      [1, 7],
      [2, 7],
      [3, 7],
      [1, 9],
      [2, 9],
      [1, 4],
    ]),
    titles: new Map([['i7', 'Seven']]),
  });
  const points = await itemMap(model, 3);
  assert.equal(
    points.map(({ item, nRatings }) => [item, nRatings]),
    [
      ['i7', 3],
      ['i9', 2],
      ['i4', 1],
    ],
  );
  assert.is(points[0].title, 'Seven');
  const {
    coordinates: [x, y],
  } = await itemPca(model);
  assert.equal([points[0].x, points[0].y], [x[6], y[6]]);
  model.release();
});

test('bad arguments are refused', async () => {
  const model = await modelOf(sizes, tables);
  await fails(itemPca(model, 4), RangeError, /only 3 factors/);
  await fails(itemPca(model, 0), RangeError, /nComponents must be/);
  await fails(itemMap(model), TypeError, /does not know its training ratings/);
  model.release();
});

test.run();
