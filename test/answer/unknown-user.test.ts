import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { usersFor } from '../../src/answer/unknown-user.js';
import { CollabData } from '../../src/data/collab-data.js';
import { readRows, type UnknownUser } from '../../src/model/rows.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { sharedGpu } from '../helpers/gpu.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';

test('row 0 is read as the mean of the trained users as they are now, or as #na#', async () => {
  const sizes = { nUsers: 3, nItems: 2, nFactors: 3 };
  const model = await modelOf(
    sizes,
    tablesOf(sizes, () => 9),
  );
  const { embeddings } = model;
  for (const [a, b] of [
    [1, 3],
    [-4, 2],
  ]) {
    const tables = tablesOf(sizes, (table, i) =>
      table % 2 === 0 && i >= (table === 0 ? 3 : 1) ? (i === (table === 0 ? 3 : 1) ? a : b) : 9,
    );
    embeddings.writeTables(tables);
    const rowOf = (unknown: UnknownUser) =>
      embeddings.gpu.withScope(async (scope) => {
        const users = await usersFor(embeddings, scope, unknown, [1, 0]);
        const { factors, biases } = embeddings.layout.unpackRows(await readRows(embeddings, users, [0]));
        return [...factors, ...biases];
      });
    assert.equal(await rowOf('mean'), [(a + b) / 2, b, b, (a + b) / 2]);
    assert.equal(await rowOf('na'), [9, 9, 9, 9]);
  }
  model.release();
});

const movielens = process.env['MOVIELENS_DIR'];
if (movielens === undefined) console.log('skipped: unknown users of MovieLens-100K; set MOVIELENS_DIR to the folder that holds ml-100k');
else {
  test('users of u1.test whom training never saw: the mean user beats the mean rating, and #na# (4 s)', async () => {
    const read = (name: string) =>
      readFileSync(join(movielens, 'ml-100k', name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split('\t').map(Number) as [user: number, item: number, rating: number]);
    const columns = (rows: [number, number, number][]) => ({
      users: rows.map(([user]) => user),
      items: rows.map(([, item]) => item),
      ratings: rows.map(([, , rating]) => rating),
    });
    const tested = read('u1.test');
    const unknown = new Set(tested.map(([user]) => user));
    const trained = read('u1.base').filter(([user]) => !unknown.has(user));
    const data = CollabData.fromSplit(columns(trained), columns(tested), { batchSize: 64 });
    const learn = await collabLearner(data, { nFactors: 40, yRange: [0, 5.5], wd: 0.1, gpu: await sharedGpu() });
    await learn.fitOneCycle(5, 0.01);
    const { users, items, ratings } = data.valid;
    assert.ok(users.every((user) => user === 0));
    const errorOf = (yHat: (k: number) => number) => ratings.reduce((sum, y, k) => sum + (yHat(k) - y) ** 2, 0) / ratings.length;
    const [mean, na] = await Promise.all((['mean', 'na'] as const).map((each) => learn.predictRows(users, items, { unknown: each })));
    const rating = trained.reduce((sum, [, , y]) => sum + y, 0) / trained.length;
    const mse = { mean: errorOf((k) => mean[k]), rating: errorOf(() => rating), na: errorOf((k) => na[k]) };
    console.log(
      `note: MSE of unknown users: mean user ${mse.mean.toFixed(3)}, mean rating ${mse.rating.toFixed(3)}, #na# ${mse.na.toFixed(3)}`,
    );
    assert.ok(mse.mean < 1.13 && mse.rating > 1.33 && mse.na > 1.33, JSON.stringify(mse));
    assert.ok(Math.abs((await learn.validate()).mse - mse.mean) < 1e-5);
    learn.release();
  });
}

test.run();
