// Column moments, joined on the host, against float64.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { priorOf } from '../../../src/answer/prior.js';
import { hash32 } from '../../../src/index.js';
import { columnMomentsReference } from '../../twins/column-moments.js';
import { modelOf, tablesOf } from '../../helpers/rated-model.js';

for (const nUsers of [2, 257, 258, 700]) {
  test(`the prior is mean and deviation of the trained users, #na# not among them: ${nUsers - 1} users`, async () => {
    const sizes = { nUsers, nItems: 3, nFactors: 5 };
    const tables = tablesOf(sizes, (table, i) => hash32(5, table, i, 0) / 2 ** 32 + (i % 5) - 1); // columns far from 0 and near it
    tables.userFactors.fill(1e6, 0, 5);
    tables.userBias[0] = 1e6;
    const model = await modelOf(sizes, tables);
    const prior = await priorOf(model.embeddings);
    const factors = columnMomentsReference(tables.userFactors.subarray(5), 5);
    const biases = columnMomentsReference(tables.userBias.subarray(1), 1);
    for (const name of ['mean', 'sd'] as const) {
      const error = [...factors[name], ...biases[name]].map((value, f) => Math.abs(value - prior[name][f]));
      assert.ok(Math.max(...error) < 4e-6, `${name}: ${error.join(' ')}`);
    }
    model.release();
  });
}

test.run();
