import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collabLearner, type CollabModel, DotbiasError, type FoldedUser, type GivenRating, hash32 } from '../../src/index.js';
import { smallData } from '../helpers/data.js';
import { sharedGpu } from '../helpers/gpu.js';
import { cosine } from '../helpers/ops.js';
import { modelOf, ratingsOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';
import { makeLearner } from '../helpers/short-run.js';
import { sameBits } from '../helpers/training.js';

const test = suite('user folder');
const gpu = await sharedGpu();
const sizes = { nUsers: 50, nItems: 300, nFactors: 6 };
const tables = tablesOf(sizes, (table, i) => hash32(8, table, i, 0) / 2 ** 32 - 0.5);
const train = ratingsOf([[1, 1]]);
const given: GivenRating[] = [
  ['i3', 5],
  ['i9', 1],
  ['i17', 4],
  ['i20', 2],
];
const items = Array.from({ length: 40 }, (_, k) => `i${k + 1}`);

/** Asserts that two folded-in users are the same one: all but their lists bit for bit. */
async function assertSameUser(a: FoldedUser, b: FoldedUser, ids: readonly (string | number)[], message?: string): Promise<void> {
  assert.ok(sameBits(a.factors, b.factors) && a.bias === b.bias, message);
  assert.ok(sameBits(await a.predict(ids), await b.predict(ids)), message);
  for (const id of ids.slice(0, 3)) assert.equal(await a.because(id), await b.because(id), message);
}

for (const [what, options] of Object.entries({
  'a model': {},
  'a model without a range': { yRange: null },
  'a model without biases': { bias: false },
})) {
  test(`${what}: a user is that of foldIn, bit for bit, and so is the list up to rounding`, async () => {
    const bias = !('bias' in options);
    const model = await modelOf({ ...sizes, bias }, tables, { train, titles: new Map([['i3', 'Three']]), ...options });
    const folder = await model.folder({ l2: 0.1 });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.nat(298), fc.double({ min: 0.5, max: 5, noNaN: true }), { minKeys: 1, maxKeys: 30 }),
        async (of) => {
          const ratings = Object.entries(of).map(([k, rating]): GivenRating => [`i${Number(k) + 1}`, rating]);
          const [user, other] = await Promise.all([folder.fold(ratings), model.foldIn(ratings, { l2: 0.1 })]);
          await assertSameUser(user, other, items);
          for (const exclude of ['rated', 'none', ['i1', 'i2']] as const) {
            const [list, fromDevice] = [await user.recommend(10, { exclude }), await other.recommend(10, { exclude })];
            assert.is(list.length, 10);
            list.forEach(({ prediction }, k) => assert.ok(Math.abs(prediction - fromDevice[k].prediction) < 5e-6, `${prediction}`));
            const predicted = await user.predict(list.map(({ item }) => item));
            assert.ok(
              sameBits(
                predicted,
                list.map(({ prediction }) => prediction),
              ),
            );
          }
        },
      ),
      { numRuns: 15 },
    );
    model.release();
  });
}

test('the list is the whole order of predictions: rated items left out, equal ones by row, fewer if fewer are left', async () => {
  const flat = await modelOf(
    sizes,
    tablesOf(sizes, (table, i) => (table === 3 ? i % 3 : 0)),
    { train },
  );
  const user = await (await flat.folder()).fold(given);
  const list = await user.recommend(1000);
  assert.is(list.length, 295);
  const row = (id: string | number) => Number(String(id).slice(1));
  list.slice(1).forEach(({ item, prediction }, k) => {
    const before = list[k];
    assert.ok(before.prediction > prediction || (before.prediction === prediction && row(before.item) < row(item)));
  });
  assert.equal(
    (await user.recommend(2)).map(({ item }) => item),
    ['i2', 'i5'],
  );
  assert.equal(await user.recommend(3, { exclude: ['i2', 'i5'] }), list.slice(2, 5));
  flat.release();
});

test("by biases alone the list is that of the items' biases, on host and device", async () => {
  const model = await modelOf(sizes, tables, { train });
  const users = [await (await model.folder()).fold(given), await model.foldIn(given)];
  const expected = (await model.itemBias()).map(({ item }) => item).filter((item) => !given.some(([rated]) => rated === item));
  for (const user of users) {
    const list = await user.recommend(20, { biasOnly: true });
    assert.equal(
      list.map(({ item }) => item),
      expected.slice(0, 20),
    );
    assert.not.equal(await user.recommend(20), list);
    await assertRefused(() => user.recommend(3, { biasOnly: 1 } as never), /biasOnly must be true or false, not 1/);
  }
  const bare = await modelOf({ ...sizes, bias: false }, tables, { train });
  const user = await (await bare.folder()).fold(given);
  await assertRefused(() => user.recommend(3, { biasOnly: true }), /^This model has no biases/, TypeError);
  for (const each of [model, bare]) each.release();
});

test('a fold reads nothing from the device until the model changes, then all of it once, whatever changes it', async () => {
  const learn = await makeLearner();
  await learn.fit(1, 0.01);
  const ids = learn.data.items.ids.slice(1, 20);
  const ratings: GivenRating[] = ids.slice(0, 6).map((id, k) => [id, 1 + (k % 5)]);
  const folder = await learn.folder();
  let reads = 0;
  const read = gpu.read.bind(gpu);
  Object.assign(gpu, { read: (...args: Parameters<typeof read>) => (reads++, read(...args)) });
  try {
    const old = await folder.fold(ratings);
    const before = await old.predict(ids);
    const list = await old.recommend();
    assert.is(reads, 0);
    const state = await learn.embeddings.readState();
    const changes: Record<string, () => unknown> = {
      fit: () => learn.fit(1, 0.01),
      'a fit that is aborted': () => learn.fit(1, 0.01, { signal: AbortSignal.abort() }),
      fitOneCycle: () => learn.fitOneCycle(1, 0.01),
      lrFind: () => learn.lrFind({ numIt: 20 }),
      writeState: () => learn.embeddings.writeState(state),
      writeTables: async () => learn.embeddings.writeTables({ ...(await learn.tables()), itemBias: new Float32Array(learn.data.nItems) }),
    };
    for (const [what, change] of Object.entries(changes)) {
      await change();
      reads = 0;
      const [user, same] = await Promise.all([folder.fold(ratings), folder.fold(ratings)]);
      assert.is(reads, what === 'a fit that is aborted' ? 0 : 2, what);
      await assertSameUser(user, await learn.foldIn(ratings), ids, what);
      await assertSameUser(user, same, ids, what);
    }
    assert.ok(sameBits(await old.predict(ids), before), 'who was folded in before keeps the items of then');
    assert.equal(await old.recommend(), list);
  } finally {
    Reflect.deleteProperty(gpu, 'read');
  }
  learn.release();
});

test('beside a fit, a fold is of one moment of it, and the fit ends as if alone', async () => {
  const options = { stepsPerSubmission: 10 };
  const [learn, alone] = [await makeLearner(options), await makeLearner(options)];
  const folder = await learn.folder();
  const ids = learn.data.items.ids.slice(1, 6);
  const folds: Promise<FoldedUser>[] = [];
  await learn.fit(2, 0.01, { onProgress: () => void folds.push(folder.fold(ids.map((id) => [id, 4]))) });
  for (const user of await Promise.all(folds)) assert.ok((await user.predict(ids)).every(Number.isFinite));
  assert.is(folds.length, 10);
  await alone.fit(2, 0.01);
  assert.equal(learn.history.losses, alone.history.losses);
  await assertSameUser(await folder.fold([[ids[0], 2]]), await alone.foldIn([[ids[0], 2]]), ids);
  for (const each of [learn, alone]) each.release();
});

test('what cannot be folded in is refused', async () => {
  const model = await modelOf(sizes, tables, { train });
  await assertRefused(() => model.folder({ l2: 0 }), /^l2 must be a positive number, not 0/);
  await assertRefused(() => model.folder({ L2: 1 } as never), /did you mean l2\?/, TypeError);
  const folder = await model.folder();
  const user = await folder.fold(given);
  const list = await user.recommend();
  await assertRefused(() => folder.fold([]), /^There are no ratings to fold in/);
  await assertRefused(() => folder.fold([['x', 3]]), /^Training saw no item 'x'\.$/);
  await assertRefused(() => folder.fold([['i1', 7]]), /outside the model's range of 0 to 5\.5/);
  assert.ok(await (await model.folder({ unknown: 'skip' })).fold([...given, ['x', 3]]));
  model.release();
  await assertRefused(() => folder.fold(given), /^This model has been released/, DotbiasError);
  assert.equal(await user.recommend(), list, 'who was folded in before has all that they need');
});

test('a model that is not finite is refused, and one that is again is folded', async () => {
  const model: CollabModel = await modelOf(sizes, tables, { train });
  const { embeddings } = model;
  const state = await embeddings.readState();
  const folder = await model.folder();
  const spoilt = (row: number) => {
    const param = state.param.slice();
    param[row * embeddings.layout.rowStride] = NaN;
    embeddings.writeState({ ...state, param });
  };
  spoilt(2);
  await assertRefused(() => folder.fold(given), /^The mean of the trained users is not finite/, DotbiasError);
  await assertRefused(() => folder.fold(given), /^The mean of the trained users is not finite/, DotbiasError);
  spoilt(sizes.nUsers + 100);
  const user = await folder.fold(given);
  await assertRefused(() => user.recommend(), /^Nothing can be recommended: scores are not finite/, DotbiasError);
  embeddings.writeState(state);
  assert.is((await (await folder.fold(given)).recommend()).length, 10);
  model.release();
});

test('a score that is no dot product is refused', async () => {
  const learn = await collabLearner(smallData(), { gpu, nFactors: 4, score: cosine });
  await assertRefused(() => learn.folder(), /^New users cannot be folded in: that needs a dot product/, TypeError);
  learn.release();
});

test.run();
