// The top-N kernel against a full sort. Table entries are small integers, so that scores are exact and full of ties.
import { topLists } from '../../../src/answer/top-lists.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { hash32, sigmoidRange } from '../../../src/index.js';
import { topNReference } from '../../twins/top-n.js';
import { modelOf, scoreOf, tablesOf, type TableSizes } from '../../helpers/rated-model.js';

interface Case extends TableSizes {
  n: number;
  seed: number;
  /** One item in this many is excluded. */
  sparsity: number;
}

async function check({ n, seed, sparsity, ...sizes }: Case) {
  const { nUsers, nItems } = sizes;
  const tables = tablesOf(sizes, (table, i) => (hash32(seed, table, i, 0) % 5) - 2);
  const model = await modelOf(sizes, tables);
  const rows = Uint32Array.from({ length: nUsers }, (_, k) => nUsers - 1 - k); // any order, and row 0 too
  const excluded = (user: number) =>
    Uint32Array.from({ length: nItems }, (_, item) => item).filter((item) => hash32(seed, 9, user, item) % sparsity === 0);
  try {
    const found = await topLists(model, n, { users: model.embeddings.users, rows, excluded });
    const wanted = topNReference(
      nUsers,
      nItems,
      n,
      (k, item) => scoreOf(sizes, tables, rows[k], item),
      (k) => excluded(rows[k]),
    );
    assert.equal(found.items, wanted.items);
    const bits = (values: Float32Array<ArrayBuffer>) => new Uint32Array(values.buffer); // NaN is not equal to NaN
    assert.equal(bits(found.predictions), bits(wanted.scores.map(sigmoidRange([0, 5.5]).value)));
  } finally {
    model.release();
  }
}

const cases = fc.record({
  nUsers: fc.integer({ min: 1, max: 40 }),
  nItems: fc.integer({ min: 1, max: 300 }),
  nFactors: fc.integer({ min: 1, max: 9 }),
  bias: fc.boolean(),
  n: fc.integer({ min: 1, max: 60 }),
  seed: fc.nat(),
  sparsity: fc.integer({ min: 1, max: 20 }),
});

test('lists equal a full sort by score and then row, for any sizes, ties and exclusions', async () => {
  await fc.assert(fc.asyncProperty(cases, check), { numRuns: 40 });
});

test('a thousand places, and sizes around the fours and the workgroup', async () => {
  for (const nUsers of [1, 3, 4, 5, 255, 257]) await check({ nUsers, nItems: 66, nFactors: 4, n: 3, seed: 1, sparsity: 7 });
  await check({ nUsers: 6, nItems: 1800, nFactors: 5, n: 1000, seed: 2, sparsity: 3 });
});

test('many slices of the items give the list of one', async () => {
  await check({ nUsers: 2, nItems: 5000, nFactors: 3, n: 4, seed: 3, sparsity: 10 });
});

test('real scores are in order, and none left out beats one listed', async () => {
  const sizes = { nUsers: 30, nItems: 700, nFactors: 40 };
  const tables = tablesOf(sizes, (table, i) => hash32(4, table, i, 0) / 2 ** 32 - 0.5);
  const model = await modelOf(sizes, tables, { yRange: null });
  const { items, predictions } = await topLists(model, 20, {
    users: model.embeddings.users,
    rows: Uint32Array.from({ length: 30 }, (_, k) => k),
    excluded: () => new Uint32Array(0),
  });
  for (let user = 0; user < 30; user++) {
    const listed = items.subarray(20 * user, 20 * user + 20);
    for (let place = 0; place < 20; place++) {
      assert.ok(Math.abs(predictions[20 * user + place] - scoreOf(sizes, tables, user, listed[place])) < 1e-5);
      if (place > 0) assert.ok(predictions[20 * user + place - 1] >= predictions[20 * user + place]);
    }
    const last = predictions[20 * user + 19];
    for (let item = 1; item < 700; item++) if (!listed.includes(item)) assert.ok(scoreOf(sizes, tables, user, item) < last + 1e-5);
  }
  model.release();
});

test.run();
