import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { excludedOf, readGiven, strengthOf } from '../../src/answer/given-ratings.js';
import type { CollabModel, GivenRating } from '../../src/index.js';
import { cosine } from '../helpers/ops.js';
import { modelOf, type RatedModelOptions, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

const sizes = { nUsers: 5, nItems: 8, nFactors: 2 };
const make = (options: RatedModelOptions = {}) =>
  modelOf(
    sizes,
    tablesOf(sizes, (table, i) => Math.cos(i + table)),
    options,
  );
const model = await make();
const raw = await make({ yRange: null });

test('the default strength follows the width of the range', async () => {
  assert.is(strengthOf(model, {}), 5.5 ** 2 / 500);
  assert.is(strengthOf(await make({ yRange: [1, 11] }), {}), 0.2);
  assert.is(strengthOf(raw, {}), 0.06);
  assert.is(strengthOf(model, { l2: 3 }), 3);
});

test('ratings are read by item row, and an item that training never saw may be skipped', () => {
  const ratings: GivenRating[] = [
    ['i3', 5],
    ['x', 9],
    ['i1', 0],
  ];
  const { rows, ratings: values } = readGiven(raw, ratings, { unknown: 'skip' }, '');
  assert.equal([...rows], [3, 1]);
  assert.equal([...values], [5, 0]);
});

const refused: [ratings: GivenRating[], message: RegExp, unknown?: 'skip'][] = [
  [[], /^There are no ratings to fold in: give at least one, of an item that training saw\.$/],
  [[['x', 3]], /^There are no ratings to fold in/, 'skip'],
  [[['x', 3]], /^Training saw no item 'x'\.$/],
  [[['i1', 6]], /^The rating of item 'i1' is 6, outside the model's range of 0 to 5\.5; give ratings on the scale/],
  [[['i1', -0.1]], /is -0\.1, outside/],
  [[['i1', NaN]], /^The rating of item 'i1' is NaN, not a finite number\.$/],
  [[['i1', '4' as never]], /is '4', not a finite number/],
];
for (const [ratings, message, unknown = 'error'] of refused) {
  test(`refused, ${unknown}: ${JSON.stringify(ratings)}`, async () => {
    await assertRefused(() => model.foldIn(ratings, { unknown }), message);
    await assertRefused(
      () => model.foldInAll([[['i1', 3]], ratings], { unknown }),
      new RegExp(message.source.replace(/ratings|rating/, '$& of user 1')),
    );
  });
}

test('what is no list of pairs is refused', async () => {
  for (const ratings of [undefined, null, 5, {}]) {
    await assertRefused(
      () => model.foldIn(ratings as never),
      /^The ratings must be a list of pairs \[item, rating\], not (undefined|null|5|an object)\.$/,
      TypeError,
    );
  }
  await assertRefused(() => model.foldIn([null] as never), /^A rating must be a pair \[item, rating\], not null\.$/, TypeError);
  const columns = { items: ['i1'], ratings: [3] };
  await assertRefused(() => model.foldIn([columns] as never), /^A rating must be a pair \[item, rating\], not an object\.$/, TypeError);
});

test('a strength that is none, a misspelt option, and a score that is no dot product are refused', async () => {
  const fold = (of: CollabModel, options = {}) => of.foldIn([['i1', 3]], options);
  for (const l2 of [0, -1, NaN, Infinity]) await assertRefused(() => fold(model, { l2 }), /l2 must be a positive number/);
  await assertRefused(() => fold(model, { L2: 1 }), /foldIn has no option 'L2'; did you mean l2\?/, TypeError);
  const other = await make({ score: cosine });
  await assertRefused(() => fold(other), /needs a dot product, and this model's score is 'cosine'/, TypeError);
  await assertRefused(() => other.foldInAll([]), /needs a dot product/, TypeError);
});

test('what is left out for a user is sorted by row, and the ratings given stay as they are', () => {
  const given = Uint32Array.of(5, 2, 7);
  assert.equal([...excludedOf(model, 'rated', () => given)(0)], [2, 5, 7]);
  assert.equal([...given], [5, 2, 7]);
  assert.equal([...excludedOf(model, 'none', () => given)(0)], []);
  assert.equal([...excludedOf(model, ['i6', 'i1', 'x'], () => given)(0)], [0, 1, 6]);
});

test.run();
