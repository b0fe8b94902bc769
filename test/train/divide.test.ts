import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeModel, loadModel } from '../../src/files/model-file.js';
import { itemPca } from '../../src/answer/pca.js';
import { CollabData } from '../../src/data/collab-data.js';
import { PartedTables } from '../../src/model/parted-tables.js';
import type { CollabLearner } from '../../src/train/learner.js';
import type { LearnerOptions } from '../../src/train/options.js';
import { smallData } from '../helpers/data.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { DotbiasError } from '../../src/base/errors.js';
import type { Ring } from '../../src/base/ring.js';
import { shareOf } from '../helpers/share.js';
import { onRing } from '../helpers/local-ring.js';
import { assertRefused } from '../helpers/refusal.js';
import { makeLearner } from '../helpers/short-run.js';
import { Gpu } from '../../src/gpu/gpu.js';

const gpu = await sharedGpu();
const data = smallData({ batchSize: 8 });

/** Two epochs, lrFind between them, and all that the model answers. */
async function answersOf(options: LearnerOptions, of: CollabData = data) {
  const learn = await makeLearner({ strata: 8, passes: 2, ...options }, of);
  const epochs = await learn.fitOneCycle(1, 0.01);
  const found = await learn.lrFind({ numIt: 30 });
  epochs.push(...(await learn.fit(1, 0.002)));
  const answers = await readAll(learn);
  const bytes = await encodeModel(learn);
  const nParts = learn.embeddings.parts.length;
  learn.release();
  return { nParts, bytes, found: found.losses, losses: learn.history.losses, valid: epochs.map(({ valid }) => valid), ...answers };
}

async function readAll(learn: CollabLearner) {
  const [user, other] = learn.data.users.ids.slice(1);
  const items = learn.data.items.ids.slice(1);
  const given = items.slice(0, 6).map((item, k) => [item, 1 + (k % 5)] as [string | number, number]);
  const folded = await learn.foldIn(given);
  const many = await learn.foldInAll([given, given.slice(0, 2)]);
  const { items: lists, predictions } = await learn.recommendAll(7);
  return {
    predicted: await learn.predict([user, other, 'nobody', user], [items[0], items[1], items[2], 'nothing']),
    recommended: [await learn.recommend(user, 5), await learn.recommend('nobody', 5)],
    lists,
    predictions,
    folded: [folded.factors, folded.bias, await folded.recommend(5)],
    many: [many.factors, many.biases, (await many.recommend(5)).items],
    similar: [await learn.similarItems(items[0], 5), await learn.similarUsers(user, 5)],
    vectors: await learn.vectors(items.slice(0, 3)),
    biases: (await learn.itemBias()).slice(0, 3),
    pca: (await itemPca(learn)).coordinates,
    shown: await learn.showResults(5),
  };
}

/** Numbers to four decimals, wherever they are. */
const rounded = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'number' ? each.toFixed(4) : ArrayBuffer.isView(each) ? [...(each as Float32Array)] : each,
    ),
  );

test('a model in parts gives every answer that the whole one gives, and the same file', async () => {
  const whole = await answersOf({ parts: 1 });
  assert.is(whole.nParts, 1);
  for (const parts of [2, 8]) {
    const { nParts, ...parted } = await answersOf({ parts });
    assert.is(nParts, parts);
    for (const [name, answer] of Object.entries(parted)) {
      const wanted = whole[name as keyof typeof whole];
      // The mean of the users is summed block by block, and so has other last bits.
      if (['predicted', 'recommended', 'folded', 'many'].includes(name))
        assert.equal(rounded(answer), rounded(wanted), `${name}, ${parts} parts`);
      else assert.equal(answer, wanted, `${name}, ${parts} parts`);
    }
  }
});

test('users whom training never saw are measured by the same mean user in any number of parts', async () => {
  const half = (k: number) => (_: unknown, row: number) => Number(data.train.users[row] % 5 === 0) === k;
  const split = (k: number) => ({
    users: Array.from(data.train.users.filter(half(k))),
    items: Array.from(data.train.items.filter(half(k))),
    ratings: Array.from(data.train.ratings.filter(half(k))),
  });
  const cold = CollabData.fromSplit(split(0), split(1), { batchSize: 4 });
  assert.ok(cold.valid.users.includes(0));
  const [whole, parted] = [await answersOf({ parts: 1 }, cold), await answersOf({ parts: 4 }, cold)];
  assert.equal(parted.valid, whole.valid);
});

test('a model that one binding does not hold trains in parts, says so, and is loaded in parts', async () => {
  const device = await freshDevice();
  const small = Gpu.borrow(device);
  Object.defineProperty(small, 'maxBinding', { value: 16_384 });
  const learn = await makeLearner({ gpu: small, nFactors: 40 }, data);
  assert.instance(learn.embeddings, PartedTables);
  assert.equal(learn.trainer.epochs.settings, { strata: 8, passes: 2 });
  assert.match(learn.stepping.why, /does not fit one binding of .*, in an order of 8 strata and 2 passes: not the plain one\.$/);
  await learn.fitOneCycle(1, 0.01);
  const loaded = await loadModel(await encodeModel(learn), { gpu: small });
  assert.ok(loaded.embeddings.parts.length > 1);
  const [users, items] = [data.users.ids.slice(1, 20), data.items.ids.slice(1, 20)];
  assert.equal(await loaded.predict(users, items), await learn.predict(users, items));
  assert.equal((await loaded.recommendAll(5)).items, (await learn.recommendAll(5)).items);
  await assertRefused(
    () => makeLearner({ gpu: small, nFactors: 40, strata: 1 }, data),
    /In strata it can train in parts: give strata: 8, and no order\.$/,
  );
  loaded.release();
  learn.release();
  device.destroy();
});

test('ranks train, measure and save as one process does, bit for bit, and so do ranks that have their own ratings only', async () => {
  const of = smallData({ batchSize: 4 });
  const outcome = async (options: LearnerOptions, on = of) => {
    const learn = await makeLearner({ strata: 8, passes: 2, unknownUser: 'na', ...options }, on);
    const epochs = await learn.fitOneCycle(2, 0.01);
    const results = [learn.history.losses, epochs.map(({ valid }) => valid), await learn.validate()];
    const { gatherTables, ring } = learn.embeddings;
    const tables = await (gatherTables ? gatherTables.call(learn.embeddings) : learn.tables());
    assert.is(tables !== undefined, ring === undefined || ring.rank === 0);
    learn.release();
    return { results, tables };
  };
  const alone = await outcome({});
  for (const size of [2, 4]) {
    const share = ({ rank }: Ring) => shareOf(of, 8, (8 / size) * rank, 8 / size);
    for (const on of [() => of, share]) {
      const ranks = await onRing(size, (ring) => outcome({ ring }, on(ring)));
      for (const { results } of ranks) assert.equal(results, alone.results);
      assert.equal(ranks[0].tables, alone.tables);
    }
  }
});

test('a share of the ratings is trained on by its own rank and in its own strata only', async () => {
  const of = smallData({ batchSize: 4 });
  const refused = async (options: LearnerOptions, message: RegExp, type?: Parameters<typeof assertRefused>[2]) =>
    assertRefused(() => makeLearner({ unknownUser: 'na', ...options }, shareOf(of, 8, 4, 4)), message, type);
  await refused({}, /^Rank 0 of 1 cannot train on the ratings of the user blocks 4 to 7 of 8: read those that are its own\.$/);
  await refused({ strata: 4 }, /^strata must be 8, as these ratings were dealt to, and not 4\.$/);
  await refused(
    { stepper: 'auto' },
    /^stepper: 'auto' needs all ratings, and here are those of 4 of 8 blocks of users only\.$/,
    DotbiasError,
  );
});

test('parts that cannot be are refused', async () => {
  await assertRefused(() => makeLearner({ strata: 4, parts: 3 }, data), /^parts must divide strata, and 3 does not divide 4\.$/);
  await assertRefused(() => makeLearner({ parts: 2 }, data), /^parts must divide strata, and 2 does not divide 1\.$/);
  await assertRefused(
    () => makeLearner({ strata: 4, parts: 2, stepper: 'dense' }, data),
    /^Only lazy and persistent steps can train a model in parts/,
  );
  await onRing(2, (ring) =>
    assertRefused(() => makeLearner({ strata: 8, parts: 1, ring }, data), /^parts must be a multiple of the 2 ranks, .* and 1 is none/),
  );
  await onRing(2, (ring) => assertRefused(() => makeLearner({ stepper: 'auto', ring }, data), /^stepper cannot be 'auto' on ranks/));
  assert.is(gpu.allocated, 0);
});

test.run();
