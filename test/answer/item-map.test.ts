import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hash32, itemMap, itemPca, project } from '../../src/index.js';
import { modelOf, ratingsOf, tablesOf } from '../helpers/rated-model.js';

const sizes = { nUsers: 4, nItems: 41, nFactors: 3 };
const tables = tablesOf(sizes, (table, i) => (table === 1 ? (i % 3) * (hash32(3, i, 0, 0) / 2 ** 31 - 1) : 0));
const train = ratingsOf([
  [1, 7],
  [2, 7],
  [3, 7],
  [1, 9],
  [2, 9],
  [1, 4],
]);

test('the map shows the most rated items', async () => {
  const model = await modelOf(sizes, tables, { train, titles: new Map([['i7', 'Seven']]) });
  const { points } = await itemMap(model, 3);
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
  assert.is((await itemMap(model)).points.length, 40);
  model.release();
});

test('each axis is named by the outermost of its points', async () => {
  const model = await modelOf(sizes, tables, { train });
  const map = await itemMap(model, 40);
  const { explainedVariance } = await itemPca(model, 2);
  (['x', 'y'] as const).forEach((key, c) => {
    const values = map.points.map((point) => point[key]).sort((a, b) => a - b);
    const { low, high, explainedVariance: share } = map.axes[c];
    assert.equal(
      low.map((point) => point[key]),
      values.slice(0, 3),
    );
    assert.equal(
      high.map((point) => point[key]),
      values.slice(-3).reverse(),
    );
    assert.is(share, explainedVariance[c]);
  });
  const few = await itemMap(model, 3);
  assert.equal([few.axes[0].low.length, few.axes[0].high.length], [1, 1]);
  model.release();
});

test('any vector can be put on the map, by a copy of it too', async () => {
  const model = await modelOf(sizes, tables, { train });
  const map = await itemMap(model, 5);
  const [vector] = await model.vectors(['i7']);
  const [x, y] = map.project(vector);
  assert.ok(Math.abs(x - map.points[0].x) < 1e-12 && Math.abs(y - map.points[0].y) < 1e-12);
  assert.equal(project(structuredClone(map), vector), [x, y]);
  model.release();
});

test('a map needs the training ratings and at least one item', async () => {
  const model = await modelOf(sizes, tables);
  const refused = (work: Promise<unknown>) => work.then(String, (error: Error) => `${error.constructor.name}: ${error.message}`);
  assert.match(await refused(itemMap(model)), /^TypeError: .*does not know its training ratings/);
  assert.match(await refused(itemMap(model, 0)), /^RangeError: count must be/);
  model.release();
});

test.run();
