import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BatchedModel, DotbiasError, type GivenRating, hash32, OverloadedError } from '../../src/index.js';
import { named } from '../../src/answer/recommend.js';
import { sharedGpu } from '../helpers/gpu.js';
import { modelOf, type RatedModelOptions, ratingsOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

const test = suite('batched');
const gpu = await sharedGpu();
const sizes = { nUsers: 40, nItems: 300, nFactors: 10 };
const tables = tablesOf(sizes, (table, i) => hash32(3, table, i, 0) / 2 ** 32 - 0.5);
const train = ratingsOf(Array.from({ length: 200 }, (_, k) => [1 + (k % 39), 1 + ((k * 7) % 299)] as const));
const newModel = (options: RatedModelOptions = {}) => modelOf(sizes, tables, { train, titles: new Map([['i3', 'Three']]), ...options });
const ratingsAt = (k: number): GivenRating[] =>
  Array.from({ length: 1 + (k % 5) }, (_, j) => [`i${1 + ((31 * k + 11 * j) % 299)}`, 1 + ((k + j) % 4)]);

test('answers of joined calls are those of single calls, bit for bit', async () => {
  const model = await newModel();
  const batched = await model.batched();
  const joined: Promise<unknown>[] = [];
  const single: (() => Promise<unknown>)[] = [];
  const both = (ask: (of: BatchedModel) => Promise<unknown>, alone: () => Promise<unknown>) => {
    joined.push(ask(batched));
    single.push(alone);
  };
  for (let k = 0; k < 24; k++) {
    const [user, n] = [`u${2 * k}`, [3, 10, 12, 1000][k % 4]]; // u0 and those from u40 on are unknown
    const options = { exclude: (['rated', 'none', ['i5', 'i6']] as const)[k % 3], unknown: (['mean', 'na'] as const)[k % 2] };
    const fold = { exclude: options.exclude, ...(k % 2 === 0 && { l2: 0.3 }) };
    const items = [`i${k}`, 'i7', 'none'].slice(k % 3);
    both(
      (of) => of.recommend(user, n, options),
      () => model.recommend(user, n, options),
    );
    both(
      (of) => of.predict(items.fill(user), items, { unknown: options.unknown }),
      () => model.predict(items.fill(user), items, { unknown: options.unknown }),
    );
    both(
      (of) => of.similarItems(`i${k + 1}`, n, { metric: k % 2 ? 'dot' : 'cosine' }),
      () => model.similarItems(`i${k + 1}`, n, { metric: k % 2 ? 'dot' : 'cosine' }),
    );
    both(
      (of) => of.recommendFor(ratingsAt(k), n, fold),
      async () => {
        const folded = await model.foldInAll([ratingsAt(k)], { l2: fold.l2 });
        return named(model, await folded.recommend(n, { exclude: fold.exclude }));
      },
    );
  }
  assert.is(batched.waiting, 96);
  const answers = await Promise.all(joined);
  for (const [k, ask] of single.entries()) assert.equal(answers[k], await ask(), `call ${k}`);
  assert.equal(batched.counts, { calls: 96, batches: 4 });
  assert.is(batched.waiting, 0);
  model.release();
});

test('a call that is refused leaves those beside it alone', async () => {
  const model = await newModel();
  const batched = await model.batched({ maxDelayMs: 1 });
  const good = [batched.recommend('u1'), batched.recommendFor(ratingsAt(1))];
  await assertRefused(() => batched.recommend('nobody', 10, { unknown: 'error' }), /no user 'nobody'/);
  await assertRefused(() => batched.recommend('u1', 0), /n must be/);
  await assertRefused(() => batched.recommendFor([['i1', 9]]), /outside the model's range/);
  await assertRefused(() => batched.predict(['u1'], []), /1 users and 0 items/);
  await assertRefused(() => batched.similarItems('none'), /no item 'none'/);
  assert.ok((await Promise.all(good)).every((list) => list.length === 10));
  model.release();
});

test('where the scores of one user are not finite, that call alone fails', async () => {
  const model = await newModel();
  const { users, layout } = model.embeddings;
  gpu.write(users.blocks[0].buffer, Float32Array.of(NaN), 4 * 5 * layout.rowStride);
  const batched = await model.batched();
  const lists = await Promise.allSettled(Array.from({ length: 9 }, (_, k) => batched.recommend(`u${k + 1}`)));
  assert.equal(
    lists.map(({ status }) => status),
    Array.from({ length: 9 }, (_, k) => (k === 4 ? 'rejected' : 'fulfilled')),
  );
  model.release();
});

test('more calls than may wait are refused at once, and those that wait are answered', async () => {
  const model = await newModel();
  const batched = await model.batched({ maxWaiting: 2 });
  const waiting = [batched.recommend('u1'), batched.similarItems('i1')];
  await assertRefused(() => batched.recommend('u2'), /2 calls are waiting already/, OverloadedError);
  assert.ok((await Promise.all(waiting)).every((list) => list.length === 10));
  assert.is((await batched.recommend('u2')).length, 10);
  model.release();
});

test('close waits for what was taken on; after close, or the release of the model, calls are refused', async () => {
  const model = await newModel();
  const before = gpu.allocated;
  const [closed, released] = [await model.batched(), await model.batched()];
  let list: unknown[] = [];
  void closed.recommend('u1').then((answer) => (list = answer));
  await closed.close();
  assert.is(list.length, 10);
  assert.is(gpu.allocated, before);
  await assertRefused(() => closed.recommend('u1'), /has been closed/, DotbiasError);
  const waiting = released.recommend('u1');
  model.release();
  await assertRefused(() => waiting, /has been released/, DotbiasError);
});

test('similar items are those of the tables as they are now, and of a released model none', async () => {
  const model = await newModel();
  const batched = await model.batched();
  await batched.similarItems('i1');
  await model.embeddings.writeTables({ ...tables, itemFactors: tables.itemFactors.map((value, i) => (i % 3 === 0 ? -value : value)) });
  assert.equal(await batched.similarItems('i1'), await model.similarItems('i1'));
  model.release();
  await assertRefused(() => batched.similarItems('i1'), /has been released/, DotbiasError);
});

test.run();
