import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabModel, EmbeddingTables, Gpu, IdMap, identity } from '../../src/index.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';

const sizes = { nUsers: 3, nItems: 4, nFactors: 2 };
const tables = tablesOf(sizes, (table, i) => table + i / 10);

test('the tables come back as they were given, and predictions have the bounds of the range', async () => {
  const model = await modelOf(sizes, tables, { yRange: [1, 5] });
  assert.equal(await model.tables(), tables);
  assert.equal(model.yRange, [1, 5]);
  const raw = await modelOf(sizes, tables, { yRange: null });
  assert.is(raw.yRange, null);
  model.release();
  raw.release();
});

test('titles are found by id, as number or as text', async () => {
  const gpu = await sharedGpu();
  const embeddings = new EmbeddingTables(gpu, { ...sizes, hasBias: true });
  const titles = new Map<string | number, string>([[7, 'Seven']]);
  const ids = { users: new IdMap(['#na#', 1, 2]), items: new IdMap(['#na#', 7, 8, 9]) };
  const model = new CollabModel(embeddings, { ...ids, score: dotProduct, range: identity, titles });
  assert.equal(
    [7, '7', 8, 'x'].map((item) => model.titleOf(item)),
    ['Seven', 'Seven', undefined, undefined],
  );
  assert.equal(await model.recommend(1, 3, { exclude: 'none' }), [
    { item: 7, title: 'Seven', prediction: 0 },
    { item: 8, prediction: 0 },
    { item: 9, prediction: 0 },
  ]);
  model.release();
});

test('release gives the memory back once, and ends only a device that is its own', async () => {
  for (const owns of [false, true]) {
    const device = await freshDevice();
    const gpu = Gpu.borrow(device);
    let destroyed = 0;
    Object.assign(gpu, { destroy: () => destroyed++ });
    const embeddings = new EmbeddingTables(gpu, { ...sizes, hasBias: true });
    const model = new CollabModel(embeddings, (await modelOf(sizes, tables)).info, owns);
    assert.ok(gpu.allocated > 0);
    model.release();
    assert.is(gpu.allocated, 0);
    model.release();
    assert.is(gpu.allocated, 0);
    assert.is(destroyed > 0, owns);
    device.destroy();
  }
});

test.run();
