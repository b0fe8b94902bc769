import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { DotbiasError, hash32, ItemPca, itemPca, project } from '../../src/index.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';

const sizes = { nUsers: 4, nItems: 41, nFactors: 3 };
// Items along (1, 2, 2)/3 with deviation 3, along (2, -2, 1)/3 with deviation 1; #na# far off, which must not count.
const along = (item: number) => [3, 1].map((deviation, c) => deviation * (hash32(3, item, c, 0) / 2 ** 31 - 1));
const itemFactor = (i: number) => {
  const [item, f] = [Math.floor(i / 3), i % 3];
  const [a, b] = along(item);
  return item === 0 ? 100 : (a * [1, 2, 2][f] + b * [2, -2, 1][f]) / 3 + 5;
};
const tables = tablesOf(sizes, (table, i) => (table === 1 ? itemFactor(i) : 0));
const withItems = (value: (i: number) => number) => tablesOf(sizes, (table, i) => (table === 1 ? value(i) : 0));

const close = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number) => {
  assert.is(a.length, b.length);
  for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i] - b[i]) <= tolerance, `${a[i]} is not ${b[i]}`);
};

const fails = async (work: Promise<unknown>, type: Function, pattern: RegExp) => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof type && pattern.test((error as Error).message), String(error));
};

test('components are the directions in which items were spread', async () => {
  const model = await modelOf(sizes, tables);
  const { items, coordinates, directions, variance, explainedVariance } = await itemPca(model, 3);
  assert.is(items.length, 40);
  assert.is(items[0], 'i1');
  close(directions[0].map(Math.abs), [1 / 3, 2 / 3, 2 / 3], 0.1);
  close(explainedVariance, [0.9, 0.1, 0], 0.05);
  for (const a of [0, 1, 2]) {
    for (const b of [0, 1, 2]) {
      const product = directions[a].reduce((sum, value, f) => sum + value * directions[b][f], 0);
      assert.ok(Math.abs(product - (a === b ? 1 : 0)) < 1e-12, 'unit vectors at right angles');
    }
  }
  coordinates.forEach((column, c) => {
    const mean = column.reduce((a, b) => a + b) / 40;
    assert.ok(Math.abs(mean) < 1e-6);
    assert.ok(Math.abs(column.reduce((sum, x) => sum + x * x, 0) / 39 - variance[c]) < 1e-6 * variance[0]);
  });
  model.release();
});

test('items reach farther on the positive side of each component', async () => {
  const model = await modelOf(sizes, tables);
  const { coordinates } = await itemPca(model, 2);
  for (const column of coordinates) assert.ok(column.reduce((sum, x) => sum + x ** 3, 0) > 0);
  model.release();
});

test('turning or mirroring the basis of all vectors moves no item on the components', async () => {
  const turned = [
    (i: number) => -itemFactor(i),
    (i: number) => itemFactor(i - (i % 3) + ((i + 1) % 3)), // another order of the factors
    (i: number) => (i % 3 === 1 ? -1 : 1) * itemFactor(i),
  ];
  const model = await modelOf(sizes, tables);
  const { coordinates } = await itemPca(model);
  for (const factor of turned) {
    const other = await modelOf(sizes, withItems(factor));
    (await itemPca(other)).coordinates.forEach((column, c) => close(column, coordinates[c], 1e-5));
    other.release();
  }
  model.release();
});

test('items that lie alike on both sides leave the sign to the largest entry of the direction, which is positive', async () => {
  const mirrored = (i: number) => (i < 3 ? 9 : (Math.floor(i / 3) % 2 === 0 ? 1 : -1) * [1, -3, 2][i % 3]);
  for (const sign of [1, -1]) {
    const model = await modelOf(
      sizes,
      withItems((i) => sign * mirrored(i)),
    );
    const { directions } = await itemPca(model, 1);
    assert.ok(directions[0][1] > 0.8, `${directions[0]}`);
    model.release();
  }
});

test('components of equal variance have orthogonal directions, the same each time', async () => {
  // Items at the corners of a cube: all directions are equal.
  const corner = (i: number) => ((Math.floor(i / 3) - 1) & (1 << (i % 3)) ? 1 : -1);
  const model = await modelOf(sizes, withItems(corner));
  const [a, b] = [await itemPca(model, 3), await itemPca(model, 3)];
  assert.equal(a, b);
  close(a.variance, [40 / 39, 40 / 39, 40 / 39], 1e-12);
  const cross = a.directions[0].reduce((sum, value, f) => sum + value * a.directions[1][f], 0);
  assert.ok(Math.abs(cross) < 1e-12);
  model.release();
});

test('items without any difference have no variance, and all lie at 0', async () => {
  const model = await modelOf(
    sizes,
    withItems(() => 0.25),
  );
  const { variance, explainedVariance, coordinates } = await itemPca(model, 2);
  assert.equal(
    [[...variance], [...explainedVariance]],
    [
      [0, 0],
      [0, 0],
    ],
  );
  for (const column of coordinates) close(column, new Float64Array(40), 0);
  model.release();
});

test("an item's own vector is projected to its coordinates, by a copy of the components too", async () => {
  const model = await modelOf(sizes, tables);
  const pca = await itemPca(model, 2);
  const [vector] = await model.vectors(['i5']);
  const wanted = pca.coordinates.map((column) => column[4]);
  close(pca.project(vector), wanted, 1e-12);
  const copy = structuredClone(pca);
  assert.not.instance(copy, ItemPca);
  assert.equal(project(copy, vector), pca.project(vector));
  close(pca.project(pca.mean), [0, 0], 0);
  assert.throws(() => pca.project([1, 2]), /The vector has 2 numbers, but the items have 3\./);
  assert.throws(() => pca.project(undefined as never), /must be an array of numbers, not undefined\./);
  assert.throws(() => pca.project([1, NaN, 2]), /finite numbers, not NaN at place 1\./);
  model.release();
});

test('projecting is linear: half-way between two vectors lies half-way between their places', async () => {
  const model = await modelOf(sizes, tables);
  const pca = await itemPca(model, 3);
  const vector = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(vector, vector, (a, b) => {
      const [pa, pb] = [pca.project(a), pca.project(b)];
      const middle = pca.project(a.map((value, f) => (value + b[f]) / 2));
      close(
        middle,
        pa.map((value, c) => (value + pb[c]) / 2),
        1e-9,
      );
    }),
  );
  model.release();
});

test('the ends of a component are its outermost items, with their titles', async () => {
  const model = await modelOf(sizes, tables, { titles: new Map([['i7', 'Seven']]) });
  const pca = await itemPca(model, 2);
  const [first] = pca.coordinates;
  const { low, high } = pca.ends(0, 40);
  const ascending = low.map(({ coordinate }) => coordinate);
  assert.equal(
    ascending,
    [...first].sort((a, b) => a - b),
  );
  assert.equal(
    high.map(({ item }) => item),
    low.map(({ item }) => item).reverse(),
  );
  assert.is(low.find(({ item }) => item === 'i7')!.title, 'Seven');
  assert.equal(Object.keys(low.find(({ item }) => item === 'i8')!), ['item', 'coordinate']);
  assert.equal(pca.ends(1).low.length, 5);
  assert.throws(() => pca.ends(2), /component must be a whole number from 0 to 1/);
  assert.throws(() => pca.ends(0, 0), /n must be/);
  model.release();
});

test('bad arguments and a model that is not finite are refused', async () => {
  const model = await modelOf(sizes, tables);
  await fails(itemPca(model, 4), RangeError, /only 3 factors/);
  await fails(itemPca(model, 0), RangeError, /nComponents must be/);
  const { gpu, embeddings } = model;
  gpu.write(embeddings.parts[0].param, Float32Array.of(NaN), 4 * embeddings.layout.rowStride * (sizes.nUsers + 7));
  await fails(itemPca(model), DotbiasError, /diverged/);
  model.release();
});

test.run();
