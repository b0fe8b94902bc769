import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData, collabLearner, type CollabModel, type GivenRating, hash32, metrics, sigmoidRange } from '../../src/index.js';
import { sharedGpu } from '../helpers/gpu.js';
import { modelOf, ratingsOf, scoreOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

const sizes = { nUsers: 50, nItems: 40, nFactors: 6 };
const tables = tablesOf(sizes, (table, i) => hash32(8, table, i, 0) / 2 ** 32 - 0.5);
const given: GivenRating[] = [
  ['i3', 5],
  ['i9', 1],
  ['i17', 4],
  ['i20', 2],
];
let model: CollabModel;

test.before(async () => {
  model = await modelOf(sizes, tables, { train: ratingsOf([[1, 1]]), titles: new Map([['i3', 'Three']]) });
});

test('ratings pull predictions towards them, further the weaker the prior is', async () => {
  const error = async (l2: number) =>
    metrics.mse(
      await (await model.foldIn(given, { l2 })).predict(given.map(([item]) => item)),
      given.map(([, rating]) => rating),
    );
  const errors = [await error(1e6), await error(0.5), await error(0.05), await error(1e-3)];
  for (let k = 1; k < 4; k++) assert.ok(errors[k] < 0.97 * errors[k - 1], errors.join(' '));
});

test('a trained user is found again without a prior to speak of', async () => {
  const items = Array.from({ length: 39 }, (_, k) => k + 1);
  const range = sigmoidRange([0, 5.5]);
  const user = await model.foldIn(
    items.map((item) => [`i${item}`, range.value(scoreOf(sizes, tables, 5, item))]),
    { l2: 1e-9 },
  );
  for (let f = 0; f < 6; f++) assert.ok(Math.abs(user.factors[f] - tables.userFactors[30 + f]) < 1e-5);
  assert.ok(Math.abs(user.bias - tables.userBias[5]) < 1e-5);
});

test('the best for a new user come first, what was rated is left out', async () => {
  const user = await model.foldIn(given);
  const list = await user.recommend(40);
  assert.is(list.length, 35);
  assert.not.ok(list.some(({ item }) => given.some(([rated]) => rated === item)));
  const predicted = await user.predict(list.map(({ item }) => item));
  list.forEach(({ prediction }, k) => assert.ok(Math.abs(prediction - predicted[k]) < 1e-5));
  for (let k = 1; k < list.length; k++) assert.ok(list[k].prediction <= list[k - 1].prediction);
  assert.is((await user.recommend(50, { exclude: 'none' })).length, 39);
  assert.not.ok((await user.recommend(50, { exclude: ['i1'] })).some(({ item }) => item === 'i1'));
});

test('contributions add up to what the ratings change in the score of an item', async () => {
  const user = await model.foldIn(given);
  const nobody = await model.foldIn(given, { l2: 1e12 }); // the prior's mean
  const z = (yHat: number) => Math.log(yHat / (5.5 - yHat));
  for (const item of ['i1', 'i3', 'i30']) {
    const why = await user.because(item);
    const change = z((await user.predict([item]))[0]) - z((await nobody.predict([item]))[0]);
    assert.ok(Math.abs(why.reduce((sum, { contribution }) => sum + contribution, 0) - change) < 1e-5, item);
    assert.equal(why.map(({ item: rated }) => rated).sort(), ['i17', 'i20', 'i3', 'i9']);
    for (let k = 1; k < why.length; k++) assert.ok(why[k].contribution <= why[k - 1].contribution);
  }
  const [best] = await user.because('i3', 1);
  assert.equal([best.item, best.title, best.rating], ['i3', 'Three', 5], 'an item speaks for itself');
});

test('a contribution is what the item would lose, to first order, without that rating', async () => {
  // Without a range the objective is quadratic, and the contribution is linear in the rating: 1 more changes z by c.
  const linear = await modelOf(sizes, tables, { yRange: null });
  const score = async (rating: number) =>
    (
      await (
        await linear.foldIn([
          ['i3', rating],
          ['i9', 1],
        ])
      ).predict(['i5'])
    )[0];
  const part = async (rating: number) =>
    (
      await (
        await linear.foldIn([
          ['i3', rating],
          ['i9', 1],
        ])
      ).because('i5')
    ).find(({ item }) => item === 'i3')!.contribution;
  assert.ok(Math.abs((await part(5)) - (await part(4)) - ((await score(5)) - (await score(4)))) < 1e-6);
  linear.release();
});

test('a model of more than 336 factors folds users in too', async () => {
  const wide = { nUsers: 12, nItems: 20, nFactors: 400 };
  const many = await modelOf(
    wide,
    tablesOf(wide, (table, i) => hash32(9, table, i, 0) / 2 ** 32 - 0.5),
  );
  const user = await many.foldIn(given.slice(0, 3));
  assert.is(user.factors.length, 400);
  const predicted = await user.predict(['i3', 'i9']);
  assert.ok(predicted[0] > predicted[1] + 0.1, 'what was liked is predicted above what was not');
  many.release();
});

test('what cannot be asked of a folded-in user is refused', async () => {
  const ratings: GivenRating[] = [
    ['x', 3],
    ['i1', 3],
  ];
  const user = await model.foldIn(ratings, { unknown: 'skip' });
  await assertRefused(() => user.because('x'), /^Training saw no item 'x'\.$/);
  await assertRefused(() => user.because('i1', 0), /n must be a whole number of at least 1, not 0/);
  await assertRefused(() => user.recommend(0), /n must be a whole number of at least 1, not 0/);
  await assertRefused(() => user.recommend(3, { excluded: [] } as never), /did you mean exclude\?/, TypeError);
  await assertRefused(() => user.predict(['x'], { unknown: 'error' }), /^Training saw no item 'x'\.$/);
  await assertRefused(() => user.predict(['i1'], { unkown: 'error' } as never), /did you mean unknown\?/, TypeError);
  await assertRefused(() => model.foldIn(ratings, { unknown: 'eror' as never }), /^unknown must be 'error' or 'skip', not 'eror'\.$/);
  await assertRefused(() => user.predict('i1' as never), /Give the item ids as an array/, TypeError);
  assert.is((await user.predict(['x'])).length, 1, 'else it is read as #na#');
});

const movielens = process.env['MOVIELENS_DIR'];
if (movielens === undefined) console.log('skipped: fold-in on MovieLens-100K; set MOVIELENS_DIR to the folder that holds ml-100k');
else {
  test('users left out of training, folded in from half of their ratings, beat item and user means (3 s)', async () => {
    const rows = readFileSync(join(movielens, 'ml-100k', 'u.data'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t').map(Number));
    const isNew = (user: number) => hash32(7, user, 0, 0) % 10 < 2; // l2 and the weights of `offsets` were chosen on other users
    const trainRows = rows.filter(([user]) => !isNew(user)).map(([user, item, rating]) => [user, item, rating] as const);
    const data = CollabData.fromRows(trainRows, { validPct: 0.05 });
    const learn = await collabLearner(data, { nFactors: 40, yRange: [0, 5.5], wd: 0.1, gpu: await sharedGpu() });
    await learn.fitOneCycle(5, 0.01);

    const { given: halves, held } = split(rows.filter(([user]) => isNew(user)));
    const folded = await learn.foldInAll(halves, { unknown: 'skip' });
    const { itemFactors, itemBias } = await learn.tables();
    const range = sigmoidRange([0, 5.5]);
    const errors = { folded: 0, means: 0, items: 0 };
    const means = offsets(trainRows);
    let count = 0;
    held.forEach((ratings, k) => {
      const bias = means.userOffset(halves[k]);
      for (const [item, rating] of ratings) {
        const row = data.items.indexOf(item);
        let z = folded.biases[k] + itemBias[row];
        for (let f = 0; f < 40; f++) z += folded.factors[40 * k + f] * itemFactors[40 * row + f];
        errors.folded += (range.value(z) - rating) ** 2;
        errors.means += (means.mean + bias + means.itemOffset(item) - rating) ** 2;
        errors.items += (means.itemMean(item) - rating) ** 2;
        count++;
      }
    });
    const [fold, both, item] = [errors.folded, errors.means, errors.items].map((sum) => Math.sqrt(sum / count));
    const rmse = { 'fold-in': fold, 'item and user offsets': both, 'item mean': item };
    const listed = Object.entries(rmse).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    console.log(`\nnote: RMSE of ${count} ratings of ${held.length} new users: ${listed.join(', ')}`);
    assert.ok(fold < both - 0.015 && both < item, 'fold-in < offsets < item mean');

    const within = [0, 0];
    const folder = await learn.folder({ unknown: 'skip' });
    for (const [k, half] of halves.entries()) {
      const known = held[k].filter(([id]) => data.items.has(id));
      const { predictions, sd } = await (
        await folder.fold(half)
      ).predict(
        known.map(([id]) => id),
        { sd: true },
      );
      known.forEach(([, rating], j) => [1, 2].forEach((n) => (within[n - 1] += Math.abs(rating - predictions[j]) <= n * sd[j] ? 1 : 0)));
    }
    const [one, two] = within.map((each) => each / count);
    console.log(`note: within one and two sd: ${one.toFixed(3)} and ${two.toFixed(3)} of them`);
    assert.ok(one > 0.64 && one < 0.74 && two > 0.93 && two < 0.98, 'about as a normal distribution has it');
    learn.release();
  });
}

type Rated = [item: number, rating: number];

/** Each user's ratings in two random halves. */
function split(rows: number[][]): { given: Rated[][]; held: Rated[][] } {
  const byUser = new Map<number, { item: number; rating: number; key: number }[]>();
  for (const [user, item, rating] of rows) {
    if (!byUser.has(user)) byUser.set(user, []);
    byUser.get(user)!.push({ item, rating, key: hash32(99, user, item, 0) });
  }
  const halves = [...byUser.values()].map((ratings) => {
    const shuffled = ratings.sort((a, b) => a.key - b.key).map(({ item, rating }): Rated => [item, rating]);
    const half = Math.floor(shuffled.length / 2);
    return [shuffled.slice(0, half), shuffled.slice(half)];
  });
  return { given: halves.map(([first]) => first), held: halves.map(([, second]) => second) };
}

/** mean + user offset + item offset, each shrunk towards 0 as if by 5 and 3 ratings (the best on training users); and plain item means. */
function offsets(rows: readonly (readonly [user: number, item: number, rating: number])[]) {
  const mean = rows.reduce((sum, [, , rating]) => sum + rating, 0) / rows.length;
  const shrunk = (pairs: Iterable<readonly [key: number, value: number]>, weight: number) => {
    const sums = new Map<number, [sum: number, count: number]>();
    for (const [key, value] of pairs) {
      const [sum, count] = sums.get(key) ?? [0, 0];
      sums.set(key, [sum + value, count + 1]);
    }
    return new Map([...sums].map(([key, [sum, count]]) => [key, sum / (count + weight)]));
  };
  let user = new Map<number, number>();
  let item = new Map<number, number>();
  for (let round = 0; round < 10; round++) {
    item = shrunk(
      rows.map(([u, i, rating]) => [i, rating - mean - (user.get(u) ?? 0)]),
      3,
    );
    user = shrunk(
      rows.map(([u, i, rating]) => [u, rating - mean - item.get(i)!]),
      5,
    );
  }
  const plain = shrunk(
    rows.map(([, i, rating]) => [i, rating]),
    0,
  );
  const itemOffset = (i: number) => item.get(i) ?? 0;
  return {
    mean,
    itemOffset,
    itemMean: (i: number) => plain.get(i) ?? mean,
    userOffset: (ratings: Rated[]) =>
      shrunk(
        ratings.map(([i, rating]) => [0, rating - mean - itemOffset(i)]),
        5,
      ).get(0)!,
  };
}

test.run();
