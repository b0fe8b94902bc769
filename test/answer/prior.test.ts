import { test } from 'uvu';
import { priorOf } from '../../src/answer/prior.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';
import { assertClose } from '../helpers/training.js';

for (const [nUsers, bias] of [
  [2, true],
  [40, false],
  [5000, true], // several pieces
] as const) {
  test(`mean and spread of ${nUsers - 1} trained users, ${bias ? 'biases' : 'no biases'}, #na# not among them`, async () => {
    const sizes = { nUsers, nItems: 3, nFactors: 5, bias };
    const tables = tablesOf(sizes, (table, i) => (table === 0 && i < 5 ? 1e6 : 2 + Math.sin(1 + i * (table + 1))));
    const model = await modelOf(sizes, tables);
    const { mean, sd } = await priorOf(model.embeddings);
    const columns = Array.from({ length: bias ? 6 : 5 }, (_, f) =>
      Array.from({ length: nUsers - 1 }, (_, k) => (f < 5 ? tables.userFactors[5 * (k + 1) + f] : tables.userBias[k + 1])),
    );
    const means = columns.map((column) => column.reduce((sum, value) => sum + value, 0) / column.length);
    const sds = columns.map((column, f) => Math.sqrt(column.reduce((sum, value) => sum + (value - means[f]) ** 2, 0) / column.length));
    assertClose(mean, means, 1.5e-6, 'mean');
    assertClose(sd, sds, 6e-7, 'sd');
    model.release();
  });
}

test('a model without trained users is refused', async () => {
  const sizes = { nUsers: 1, nItems: 3, nFactors: 2 };
  const model = await modelOf(
    sizes,
    tablesOf(sizes, () => 0),
  );
  await assertRefused(() => model.foldIn([['i1', 3]]), /^The model has no trained users to learn from what users are like\.$/);
  model.release();
});

test.run();
