import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { similarLists, type SimilarListsOptions } from '../../src/answer/similar-lists.js';
import { type CollabModel, encodeModel, Gpu, loadModel } from '../../src/index.js';
import { refuseEachAllocation } from '../helpers/budget.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';
import { assertClose } from '../helpers/training.js';

const gpu = await sharedGpu();
const shape = { nUsers: 3, nItems: 60, nFactors: 5 };
// Item 7 has no taste at all: its cosine with any other is 0.
const tables = tablesOf(shape, (table, i) => (table === 1 && Math.floor(i / 5) === 7 ? 0 : Math.sin(1 + i * i * (table + 1))));

/** All lists as ids and similarities. */
async function listsOf(model: CollabModel, n: number, options: SimilarListsOptions) {
  const found = [];
  for await (const { rows, lists } of similarLists(model, n, options)) {
    for (const [k, row] of rows.entries()) {
      const [first, end] = [k * lists.n, (k + 1) * lists.n];
      found.push({ row, items: Array.from(lists.items.slice(first, end)), values: lists.predictions.slice(first, end) });
    }
  }
  return found;
}

for (const metric of ['cosine', 'dot'] as const) {
  test(`the lists by ${metric} are those of similarItems, and the memory is given back`, async () => {
    const model = await modelOf(shape, tables);
    const before = gpu.allocated;
    const lists = await listsOf(model, 6, { metric });
    assert.is(gpu.allocated, before);
    assert.is(lists.length, 59);
    for (const { row, items, values } of lists) {
      const wanted = await model.similarItems(`i${row}`, 6, { metric });
      if (row !== 7)
        assert.equal(
          items,
          wanted.map(({ item }) => Number(String(item).slice(1))),
        );
      assertClose(
        values,
        wanted.map(({ similarity }) => similarity),
        1e-5,
        'similarities',
      );
    }
    model.release();
  });
}

test('items that are left out are in no list and have none; lists end with the items', async () => {
  const model = await modelOf(shape, tables);
  const items = Uint32Array.of(2, 9, 33);
  let last = { done: 0, total: 1 };
  const lists = await listsOf(model, 4, { items, onProgress: (progress) => (last = progress) });
  assert.equal(
    lists.map(({ row }) => row),
    [2, 9, 33],
  );
  for (const { row, items: similar } of lists)
    assert.equal(
      [...similar].sort((a, b) => a - b),
      [0, 0, ...items.filter((each) => each !== row)],
    );
  assert.is(last.done, last.total);
  assert.equal(await listsOf(model, 4, { items: Uint32Array.of(5) }), []);
  model.release();
});

test('vectors that one binding does not hold are compared in parts, with the same bits', async () => {
  const wide = { nUsers: 2, nItems: 300, nFactors: 16 };
  const model = await modelOf(
    wide,
    tablesOf(wide, (table, i) => Math.sin(1 + i * i * (table + 1))),
  );
  const whole = await listsOf(model, 5, {});
  const device = await freshDevice();
  const small = Gpu.borrow(device);
  Object.defineProperty(small, 'maxBinding', { value: 8192 });
  const parted = await loadModel(await encodeModel(model), { gpu: small });
  assert.ok(parted.embeddings.parts.length > 1);
  assert.equal(await listsOf(parted, 5, {}), whole);
  parted.release();
  device.destroy();
  model.release();
});

test('a refusal at any allocation leaves nothing allocated', async () => {
  const model = await modelOf(shape, tables);
  const refused = await refuseEachAllocation(gpu, () => listsOf(model, 3, {}));
  assert.ok(refused.includes('param') && refused.includes('top scores'), refused.join());
  model.release();
});

test('whoever stops reading early leaves nothing allocated', async () => {
  const model = await modelOf(shape, tables);
  const before = gpu.allocated;
  for await (const { rows } of similarLists(model, 3)) {
    assert.is(rows.length, 59);
    break;
  }
  assert.is(gpu.allocated, before);
  await assertRefused(() => similarLists(model, 0).next(), /^n must be/);
  model.release();
});

test.run();
