import { collabLearner } from '../../src/train/make-learner.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../src/data/collab-data.js';
import { evaluate, type Recipe, meanAndSd, memberSeed } from '../../src/evaluate/evaluate.js';
import { foldIn } from '../../src/answer/fold-in.js';
import { mae, mse } from '../../src/evaluate/metrics.js';
import { plantedRatings } from '../../src/data/planted.js';
import { byUser, type Fold, givenFolds, kFold, randomHoldOut } from '../../src/data/protocols.js';
import { DivergedError } from '../../src/base/errors.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { assertRefused } from '../helpers/refusal.js';

const test = suite('evaluate');

const { columns } = plantedRatings({ nUsers: 60, nItems: 80, nRatings: 1500 });
const few = { users: [1, 2], items: [1, 2], ratings: [1, 5] };
const learner = { nFactors: 4, yRange: [0, 5.5], wd: 0.1 } as const;
const recipe: Recipe = { batchSize: 16, learner, fit: (learn) => learn.fitOneCycle(3, 0.02) };

/** Predictions of a model of the recipe. */
async function predictions(fold: Fold, seed: number) {
  const data = fold.data({ batchSize: 16 });
  const learn = await collabLearner(data, { ...learner, seed, gpu: await sharedGpu() });
  await recipe.fit(learn);
  const all = await learn.predictRows(
    Array.from({ length: data.nUsers * data.nItems }, (_, k) => Math.floor(k / data.nItems)),
    Array.from({ length: data.nUsers * data.nItems }, (_, k) => k % data.nItems),
  );
  const yHat = await learn.predictRows(data.valid.users, data.valid.items);
  learn.release();
  return { data, all, yHat };
}

test('each fold is trained with its seed and judged on its test ratings; mean and sd are over the folds', async () => {
  const gpu = await sharedGpu();
  const before = gpu.allocated;
  const folds = kFold(columns, { folds: 3, seeds: [7] });
  const told: [string, number, number][] = [];
  const result = await evaluate(folds, recipe, { gpu, onFold: ({ fold }, done, of) => void told.push([fold, done, of]) });
  assert.equal(told, [
    ['fold 1', 1, 3],
    ['fold 2', 2, 3],
    ['fold 3', 3, 3],
  ]);
  const { data, yHat } = await predictions(folds[1], 7);
  const second = result.folds[1];
  assert.is(second.mse, mse(yHat, data.valid.ratings));
  assert.is(second.mae, mae(yHat, data.valid.ratings));
  assert.is(second.rmse, Math.sqrt(second.mse));
  assert.ok(second.r2 > 0.05 && second.r2 < 0.9, String(second.r2));
  assert.equal([second.nTrain, second.nValid, second.seed], [1000, 500, 7]);
  assert.equal({ mean: result.mean, sd: result.sd }, meanAndSd(result.folds));
  assert.is(second.precision, undefined);
  assert.is(gpu.allocated, before, 'buffers are released');
});

test('folds, members of an ensemble and later evaluations compile nothing that the first fold has compiled', async () => {
  const gpu = Gpu.borrow(await freshDevice());
  let compiled = 0;
  const { createShaderModule } = gpu.device;
  gpu.device.createShaderModule = function (...args) {
    compiled++;
    return createShaderModule.apply(this, args);
  };
  const folds = kFold(columns, { folds: 3, seeds: [7] });
  const counts: number[] = [];
  await evaluate(folds, { ...recipe, ensemble: 2 }, { gpu, onFold: () => void counts.push(compiled) });
  const other = { ...learner, wd: 0.2, eps: 1e-6, yRange: [0, 6] as const };
  await evaluate(folds.slice(0, 1), { ...recipe, batchSize: 32, learner: other }, { gpu });
  assert.ok(counts[0] > 4);
  assert.equal([...counts, compiled], [counts[0], counts[0], counts[0], counts[0]]);
  assert.is(gpu.allocated, 0);
});

test('a fold that diverges under its range ends the evaluation, and gives its memory back', async () => {
  const gpu = await sharedGpu();
  const before = gpu.allocated;
  const folds = kFold(columns, { folds: 3, seeds: [7] });
  await assertRefused(() => evaluate(folds, { ...recipe, fit: (learn) => learn.fit(1, 1e25) }, { gpu }), /diverged/, DivergedError);
  assert.is(gpu.allocated, before);
});

test('an ensemble is judged by the mean of the predictions of its seeds', async () => {
  const [fold] = randomHoldOut(columns, { seeds: [3] });
  const {
    folds: [result],
  } = await evaluate([fold], { ...recipe, ensemble: 3 }, { gpu: await sharedGpu() });
  const members: Awaited<ReturnType<typeof predictions>>[] = [];
  for (const member of [0, 1, 2]) members.push(await predictions(fold, memberSeed(3, member)));
  const mean = Float64Array.from(members[0].yHat, (_, k) => members.reduce((sum, { yHat }) => sum + yHat[k], 0) / 3);
  assert.ok(Math.abs(result.mse - mse(mean, members[0].data.valid.ratings)) < 1e-12);
  const alone = members.map(({ yHat, data }) => mse(yHat, data.valid.ratings));
  assert.ok(result.mse < (alone[0] + alone[1] + alone[2]) / 3);
  assert.is(memberSeed(3, 0), 3);
});

/** Precision, recall and coverage at 5 by brute force; `score` of any user and item row. */
function rankByBruteForce({ train, valid, nUsers, nItems }: CollabData, score: (user: number, item: number) => number) {
  let [precision, recall, users] = [0, 0, 0];
  const listed = new Set<number>();
  for (let user = 1; user < nUsers; user++) {
    const rated = new Set(Array.from(train.items).filter((_, k) => train.users[k] === user));
    const relevant = Array.from(valid.items).filter((item, k) => valid.users[k] === user && valid.ratings[k] >= 4 && !rated.has(item));
    if (relevant.length === 0) continue;
    const candidates = Array.from({ length: nItems - 1 }, (_, i) => i + 1).filter((item) => !rated.has(item));
    const top = candidates.sort((x, y) => score(user, y) - score(user, x) || x - y).slice(0, 5);
    for (const item of top) listed.add(item);
    const hits = top.filter((item) => relevant.includes(item)).length;
    precision += hits / 5;
    recall += hits / relevant.length;
    users++;
  }
  assert.ok(users > 20 && precision > 0, `${users} users`);
  return { precision: precision / users, recall: recall / users, coverage: listed.size / (nItems - 1) };
}

for (const ensemble of [1, 2]) {
  test(`rankings of ${ensemble} model(s) are judged against all items not rated in training, by brute force`, async () => {
    const [fold] = randomHoldOut(columns, { seeds: [3], validPct: 0.3 });
    const {
      folds: [result],
    } = await evaluate([fold], { ...recipe, ensemble }, { gpu: await sharedGpu(), ranking: { k: 5, threshold: 4 } });
    const members: Awaited<ReturnType<typeof predictions>>[] = [];
    for (let member = 0; member < ensemble; member++) members.push(await predictions(fold, memberSeed(3, member)));
    const [{ data }] = members;
    const mean = (user: number, item: number) => members.reduce((sum, { all }) => sum + all[user * data.nItems + item], 0) / ensemble;
    const expected = rankByBruteForce(data, mean);
    assert.ok(Math.abs(result.precision! - expected.precision) < 1e-12);
    assert.ok(Math.abs(result.recall! - expected.recall) < 1e-12);
    assert.is(result.coverage, expected.coverage);
    assert.ok(result.ndcg! > 0 && result.map! > 0);
  });
}

test('relevant items that training does not know count as missed, users that it does not know are left out', async () => {
  const train = { users: [1, 1, 2, 2, 3], items: [1, 2, 1, 3, 2], ratings: [5, 3, 4, 2, 1] };
  const fold = (valid: { users: number[]; items: number[]; ratings: number[] }): Fold => ({
    name: 'f',
    seed: 1,
    data: (options) => CollabData.fromSplit(train, valid, options),
  });
  const run = async (users: number[], items: number[]) => {
    const {
      folds: [result],
    } = await evaluate(
      [fold({ users, items, ratings: users.map(() => 5) })],
      { ...recipe, batchSize: 2 },
      { gpu: await sharedGpu(), ranking: { k: 3 } },
    );
    return result;
  };
  assert.is((await run([1], [3])).recall, 1); // the only item left
  assert.is((await run([1, 1], [3, 99])).recall, 0.5);
  assert.is((await run([1, 77], [3, 1])).recall, 1);
  assert.is((await run([1, 2], [3, 1])).recall, 1, 'an item rated in training is no candidate, so it is not missed');
  await run([77], [1]).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /rankings cannot be judged/),
  );
});

test('users left out are folded in from their given ratings, each as foldIn has it', async () => {
  const gpu = await sharedGpu();
  const [fold] = byUser(columns, { folds: 4, given: 5 });
  const {
    folds: [result],
  } = await evaluate([fold], recipe, { gpu });
  const learn = await collabLearner(fold.data({ batchSize: 16 }), { ...learner, seed: 42, gpu });
  await recipe.fit(learn);
  const { given, test: tested } = fold.foldedUsers!();
  let squares = 0;
  for (const user of new Set(tested.users as number[])) {
    const rows = (part: typeof given) => Array.from({ length: part.ratings.length }, (_, k) => k).filter((k) => part.users[k] === user);
    const folded = await foldIn(
      learn,
      rows(given).map((k) => [given.items[k], given.ratings[k]] as const),
      { unknown: 'skip' },
    );
    const yHat = await folded.predict(rows(tested).map((k) => tested.items[k]));
    rows(tested).forEach((k, i) => {
      squares += (yHat[i] - tested.ratings[k]) ** 2;
    });
  }
  learn.release();
  assert.ok(Math.abs(result.mse - squares / tested.ratings.length) < 1e-4, `${result.mse} ${squares / tested.ratings.length}`);
  await evaluate([fold], recipe, { gpu, ranking: {} }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /Rankings for users whom training does not know/),
  );
});

test('a user left out who gave no rating of a known item is an unknown one', async () => {
  const train = { users: [1, 1, 2, 2], items: [1, 2, 1, 2], ratings: [5, 3, 4, 2] };
  const test = { users: [9, 8], items: [1, 2], ratings: [4, 4] };
  const fold: Fold = {
    name: 'f',
    seed: 1,
    data: (options) => CollabData.fromSplit(train, test, options),
    foldedUsers: () => ({ given: { users: [9, 8], items: [77, 1], ratings: [3, 5] }, test }),
  };
  for (const unknownUser of ['mean', 'na'] as const) {
    const wanted: number[] = [];
    const fit = async (learn: CollabLearner) => {
      await recipe.fit(learn);
      const folded = await learn.foldIn([[1, 5]]);
      wanted.push(...(await learn.predict(['nobody'], [1])), ...(await folded.predict([2])));
    };
    const {
      folds: [result],
    } = await evaluate([fold], { batchSize: 2, learner: { ...learner, unknownUser }, fit }, { gpu: await sharedGpu() });
    assert.ok(Math.abs(result.mse - mse(wanted, test.ratings)) < 1e-5, `${result.mse} ${wanted.join()}`);
  }
});

test('users whom training never saw are judged as the mean user, or as #na#', async () => {
  const data = CollabData.fromSplit(columns, { users: ['new', 'new'], items: [1, 2], ratings: [4, 5] }, { batchSize: 16 });
  const results = await Promise.all(
    (['mean', 'na'] as const).map(async (unknownUser) => {
      let valid = NaN;
      const yHat: number[] = [];
      const fit = async (learn: CollabLearner) => {
        valid = (await learn.fit(1, 0.01))[0].valid.mse;
        yHat.push(...(await learn.predictRows([0, 0], data.valid.items, { unknown: unknownUser })));
        const shown = await learn.showResults();
        assert.equal(
          shown.map(({ prediction }) => prediction),
          yHat,
        );
      };
      const fold: Fold = { name: 'f', seed: 1, data: () => data };
      const {
        folds: [result],
      } = await evaluate([fold], { learner: { ...learner, unknownUser }, fit }, { gpu: await sharedGpu() });
      assert.is(result.mse, mse(yHat, data.valid.ratings));
      assert.ok(Math.abs(valid - result.mse) < 1e-5, 'the epoch is measured alike');
      return result.mse;
    }),
  );
  assert.ok(results[0] !== results[1]);
});

test('an abort ends after the model under way, with the folds that are complete', async () => {
  const control = new AbortController();
  const result = await evaluate(kFold(columns, { folds: 3 }), recipe, {
    gpu: await sharedGpu(),
    signal: control.signal,
    onFold: (_, done) => {
      if (done === 2) control.abort();
    },
  });
  assert.is(result.folds.length, 2);
});

test('each fold has the range of its own training ratings, and says which test ratings lie outside', async () => {
  const wide = { users: [1, 1, 2, 2, 3, 3], items: [1, 2, 1, 2, 1, 2], ratings: [1, 2, 3, 4, 5, 10] };
  const folds = [[5], [0]].map((validIndex, k): Fold => ({
    name: `f${k}`,
    seed: 1,
    data: (options) => CollabData.fromArrays(wide, { ...options, validIndex }),
  }));
  const gpu = await sharedGpu();
  const own = await evaluate(folds, { ...recipe, batchSize: 2, learner: { nFactors: 2 } }, { gpu });
  assert.equal(
    own.folds.map(({ yRange }) => yRange),
    [
      [0, 5.5],
      [0, 11],
    ],
  );
  assert.match(own.folds[0].notes.join(), /^1 of 1 validation ratings lies outside .*: 10 \(once\)\.$/);
  assert.equal(own.folds[1].notes, []);
  const asked: number[] = [];
  const learnerOf = (data: CollabData) => ({ nFactors: 2, yRange: [0, asked.push(data.nTrain) + 9] as const });
  const given = await evaluate(folds, { ...recipe, batchSize: 2, learner: learnerOf }, { gpu });
  assert.equal(
    [asked, given.folds.map(({ yRange }) => yRange![1])],
    [
      [5, 5],
      [10, 11],
    ],
  );
});

test('mean and sample standard deviation are those of the textbook', () => {
  const scores = (error: number, r2: number) => ({ mse: error, rmse: 1, mae: 1, r2 });
  const { mean, sd } = meanAndSd([scores(1, 0), scores(2, NaN), scores(6, 0)]);
  assert.is(mean.mse, 3);
  assert.is(sd.mse, Math.sqrt(7));
  assert.is(sd.rmse, 0);
  assert.ok(Number.isNaN(mean.r2));
  assert.ok(Number.isNaN(meanAndSd([scores(1, 0)]).sd.mse));
  assert.equal([meanAndSd([]).mean.mse, meanAndSd([]).sd.mse], [NaN, NaN]);
  assert.not.ok('ndcg' in mean);
});

test('wrong options are refused', async () => {
  const gpu = await sharedGpu();
  const refused = (work: Promise<unknown>, message: RegExp) =>
    work.then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, message),
    );
  const folds = kFold(columns);
  await refused(evaluate([], recipe, { gpu }), /no folds/);
  await refused(evaluate(folds, { ...recipe, ensemble: 0 }, { gpu }), /ensemble must be/);
  await refused(evaluate(folds, recipe, { gpu, ranking: { k: 0 } }), /^ranking\.k must be a whole number of at least 1, not 0\.$/);
  await refused(evaluate(folds, recipe, { gpu, ranking: { topK: 5 } as object }), /^ranking has no option 'topK'/);
  await refused(evaluate(folds, recipe, { gpu, rankings: {} } as never), /^evaluate has no option 'rankings'; did you mean ranking\?$/);
  await refused(
    evaluate(folds, { ...recipe, batchsize: 64 } as never, { gpu }),
    /^The recipe of evaluate has no option 'batchsize'; did you mean batchSize\?$/,
  );
  for (const seed of [1.5, NaN, -1]) {
    assert.throws(() => memberSeed(seed, 1), /seed must be a whole number/);
    const [fold] = folds;
    await refused(evaluate([{ ...fold, data: (options) => fold.data(options), seed }], recipe, { gpu }), /seed must be a whole number/);
  }
});

test('folds that are too small for the batch, or have nothing to test on, are refused before a model is trained', async () => {
  let trained = 0;
  const counting: Recipe = { ...recipe, fit: async () => trained++ };
  const gpu = await sharedGpu();
  const folds = [...kFold(columns, { folds: 2 }), ...givenFolds([{ name: 'small', train: few, valid: few }])];
  await assertRefused(
    () => evaluate(folds, { ...counting, batchSize: 64 }, { gpu }),
    /^batchSize 64 is larger than the 2 training ratings of small; use at most 2\.$/,
  );
  const empty: Fold = { name: 'none', seed: 1, data: (options) => CollabData.fromArrays(few, { ...options, validPct: 0 }) };
  await assertRefused(() => evaluate([empty], { ...counting, batchSize: 1 }, { gpu }), /^The test set of none is empty/);
  assert.is(trained, 0);
});

test('without a batch size a small fold is one batch, and its notes say so; users who are folded in are unknown on purpose', async () => {
  const gpu = await sharedGpu();
  const { batchSize: _, ...unbatched } = recipe;
  const [fold] = byUser(columns, { folds: 30, given: 5 });
  const one = await evaluate([fold], unbatched, { gpu });
  assert.equal(one.folds[0].notes, []);
  const [given] = givenFolds([{ name: 'few', train: few, valid: { users: [9], items: [1], ratings: [3] } }]);
  const { notes } = (await evaluate([given], unbatched, { gpu })).folds[0];
  assert.is(notes.length, 2);
  assert.match(notes.join(' '), /only 2 training ratings.* All 1 validation ratings are of users that training does not know/);
});

test('a threshold above all test ratings is refused before a model is trained', async () => {
  let trained = 0;
  const counting: Recipe = { ...recipe, fit: async () => trained++ };
  await evaluate(kFold(columns), counting, { gpu: await sharedGpu(), ranking: { threshold: 6 } }).then(
    () => assert.unreachable(),
    (error: Error) =>
      assert.match(error.message, /^No test rating by a user whom training knows is 6 or more, so rankings cannot be judged/),
  );
  assert.is(trained, 0);
});

test.run();
