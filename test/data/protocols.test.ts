import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { CollabData, RatingColumns } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';
import { byUser, type Fold, givenFolds, kFold, leaveLast, randomHoldOut } from '../../src/data/protocols.js';

const test = suite('protocols');

// Each rating is its own row number, so that every rating can be recognised.
const planted = plantedRatings({ nUsers: 30, nItems: 40, nRatings: 503 }).columns;
const columns = { ...planted, ratings: planted.ratings.map((_, row) => row) };
const n = columns.ratings.length;
const sorted = (rows: ArrayLike<number>) => Array.from(rows).sort((a, b) => a - b);
const all = Array.from({ length: n }, (_, row) => row);

/** Rows of both parts; fails if they do not hold every row once. */
function rowsOf(fold: Fold): { train: number[]; valid: number[] } {
  const { train, valid }: CollabData = fold.data({ batchSize: 8 });
  assert.equal(sorted([...train.ratings, ...valid.ratings]), all);
  return { train: sorted(train.ratings), valid: sorted(valid.ratings) };
}

test('random hold-out keeps the share asked for, another one for each seed, the same for the same seed', () => {
  const folds = randomHoldOut(columns, { validPct: 0.2, seeds: [1, 2, 1] });
  assert.equal(
    folds.map(({ name, seed }) => [name, seed]),
    [
      ['random 1', 1],
      ['random 2', 2],
      ['random 1', 1],
    ],
  );
  const [a, b, again] = folds.map((fold) => rowsOf(fold).valid);
  assert.is(a.length, 100);
  assert.equal(a, again);
  assert.not.equal(a, b);
  assert.is(randomHoldOut(columns)[0].data().nValid, 50);
});

test('k folds test each rating once, in parts whose sizes differ by one at most', () => {
  const tested = kFold(columns, { folds: 4, seeds: [5] }).map((fold) => rowsOf(fold).valid);
  assert.equal(sorted(tested.flat()), all);
  assert.equal(sorted(tested.map((rows) => rows.length)), [125, 126, 126, 126]);
  // Not one run of rows after the other: planted ratings are grouped by user.
  for (const rows of tested) assert.ok(rows[0] < 40 && rows.at(-1)! > n - 40);
});

test('another seed gives another partition into folds', () => {
  const folds = kFold(columns, { folds: 2, seeds: [5, 6] });
  assert.equal(
    folds.map(({ name }) => name),
    ['fold 1, seed 5', 'fold 2, seed 5', 'fold 1, seed 6', 'fold 2, seed 6'],
  );
  assert.equal(
    folds.map(({ seed }) => seed),
    [5, 5, 6, 6],
  );
  assert.not.equal(rowsOf(folds[0]).valid, rowsOf(folds[2]).valid);
});

test('given folds are taken as they are, once for each seed', () => {
  const part = (rows: number[]) => ({
    users: rows.map((row) => planted.users[row]),
    items: rows.map((row) => planted.items[row]),
    ratings: rows,
  });
  const folds = givenFolds([{ name: 'u1', train: part(all.slice(0, 400)), valid: part(all.slice(400)) }], { seeds: [1, 2] });
  assert.equal(
    folds.map(({ name, seed }) => [name, seed]),
    [
      ['u1, seed 1', 1],
      ['u1, seed 2', 2],
    ],
  );
  for (const fold of folds) assert.equal(rowsOf(fold).valid, all.slice(400));
});

test('the last k ratings of each user by time are held out, ties by row, and no user is left without training', () => {
  const users = ['a', 'a', 'a', 'b', 'b', 'a', 'c'];
  const items = [1, 2, 3, 1, 2, 4, 1];
  const ratings = [0, 1, 2, 3, 4, 5, 6];
  const timestamps = [9, 1, 3, 7, 7, 3, 1];
  const held = (k: number) => Array.from(leaveLast({ users, items, ratings, timestamps }, { k })[0].data({ batchSize: 1 }).valid.ratings);
  assert.equal(held(1), [0, 4]);
  assert.equal(held(2), [0, 5]); // b has only two
  assert.equal(held(3), [0, 2, 5]);
  assert.throws(() => held(4), /No user has more than 4 ratings/);
  assert.is(leaveLast({ users, items, ratings, timestamps })[0].data({ batchSize: 1 }).nValid, 2);
});

test('leave-last without timestamps is refused', () => {
  assert.throws(
    () => leaveLast(columns),
    (error: Error) => error instanceof TypeError && /needs timestamps/.test(error.message),
  );
});

test('whole users are left out once each, and split into given and test ratings', () => {
  const folds = byUser(columns, { folds: 3, given: 6, seeds: [4] });
  const usersOf = (ratings: ArrayLike<number>) => new Set(Array.from(ratings, (row) => planted.users[row]));
  const seen: number[] = [];
  for (const fold of folds) {
    const { train, valid } = fold.data({ batchSize: 8 });
    const { given, test: tested } = fold.foldedUsers!();
    assert.equal(Array.from(tested.ratings), Array.from(valid.ratings), 'test ratings are those of the data, in order');
    for (const part of [given, tested]) {
      assert.equal(
        Array.from(part.users),
        Array.from(part.ratings, (row) => planted.users[row]),
      );
      assert.equal(
        Array.from(part.items),
        Array.from(part.ratings, (row) => planted.items[row]),
      );
    }
    const trained = usersOf(train.ratings);
    const left = usersOf([...Array.from(given.ratings), ...Array.from(tested.ratings)]);
    for (const user of left) {
      assert.not.ok(trained.has(user));
      assert.is(Array.from(given.users).filter((each) => each === user).length, 6);
    }
    assert.is(new Set([...Array.from(given.ratings), ...Array.from(tested.ratings)]).size, given.ratings.length + tested.ratings.length);
    seen.push(...left);
  }
  // Those who rated more than six; each once.
  const counts = new Map<number, number>();
  for (const user of planted.users) counts.set(user, (counts.get(user) ?? 0) + 1);
  assert.equal(
    seen.sort((a, b) => a - b),
    [...counts]
      .filter(([, count]) => count > 6)
      .map(([user]) => user)
      .sort((a, b) => a - b),
  );
  assert.not.equal(byUser(columns, { folds: 3, given: 6, seeds: [5] })[0].foldedUsers!(), folds[0].foldedUsers!());
});

test('batch size and seed reach the data, and the fold names them', () => {
  const [fold] = kFold(columns, { folds: 3, seeds: [9] });
  const data = fold.data({ batchSize: 7 });
  assert.is(data.batchSize, 7);
  assert.is(data.seed, 9);
  assert.is(data.name, 'fold 1');
});

test('wrong options are refused by name', () => {
  assert.throws(() => kFold(columns, { folds: 1 }), /folds must be a whole number of at least 2, not 1\.$/);
  assert.throws(() => kFold(columns, { folds: 504 }), /folds is 504, but there are only 503 ratings to divide; ask for fewer folds\.$/);
  assert.throws(() => byUser(columns, { folds: 31 }), /folds is 31, but there are only 30 users to divide/);
  assert.throws(() => byUser(columns, { given: 0 }), /given must be a whole number of at least 1, not 0/);
  assert.throws(() => leaveLast({ ...columns, timestamps: columns.ratings }, { k: 0 }), /k must be a whole number of at least 1, not 0/);
  assert.throws(() => randomHoldOut(columns, { validPct: 0.001 }), /leaves none to test on/);
  assert.throws(() => randomHoldOut(columns, { validPct: 1 }), /validPct/);
});

test('seeds that are none, and options that do not exist, are refused by every protocol', () => {
  const timed = { ...columns, timestamps: columns.ratings };
  const protocols: Record<string, (options: object) => Fold[]> = {
    randomHoldOut: (options) => randomHoldOut(columns, options),
    kFold: (options) => kFold(columns, options),
    givenFolds: (options) => givenFolds([], options),
    leaveLast: (options) => leaveLast(timed, options),
    byUser: (options) => byUser(columns, options),
  };
  for (const [name, protocol] of Object.entries(protocols)) {
    for (const seed of [1.5, NaN, -1])
      assert.throws(() => protocol({ seeds: [1, seed] }), /^seeds\[1\] must be a whole number from 0 to 4294967295/);
    for (const seeds of [[], 42]) assert.throws(() => protocol({ seeds }), /^seeds must be a list of at least one seed, not /);
    assert.throws(() => protocol({ seed: [1] }), new RegExp(`^${name} has no option 'seed'; did you mean seeds\\?$`));
  }
});

/** Ratings, each its own row number, of few users and items; ids are numbers, text or both. */
const tables = fc
  .array(fc.tuple(fc.nat(8), fc.boolean(), fc.nat(12), fc.nat(20)), { minLength: 4, maxLength: 60 })
  .map((rows): RatingColumns & { timestamps: number[] } => ({
    users: rows.map(([user, asText]) => (asText ? String(user) : user)),
    items: rows.map(([, , item]) => item),
    ratings: rows.map((_, row) => row),
    timestamps: rows.map(([, , , time]) => time),
  }));

test('every fold of every protocol has each rating in at most one part, and each is tested at most once', () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 2, max: 4 }), fc.nat(), (table, folds, seed) => {
      const rows = table.ratings.length;
      const nUsers = new Set(Array.from(table.users, String)).size;
      const lists = [
        kFold(table, { folds, seeds: [seed] }),
        randomHoldOut(table, { validPct: 0.4, seeds: [seed] }),
        ...(folds <= nUsers ? [byUser(table, { folds, given: 1, seeds: [seed] })] : []),
      ];
      for (const list of lists) {
        const tested: number[] = [];
        for (const fold of list) {
          const { train, valid } = fold.data({ batchSize: 1 });
          const given = fold.foldedUsers?.().given.ratings ?? [];
          const used = [...train.ratings, ...valid.ratings, ...Array.from(given)];
          assert.is(new Set(used).size, used.length, `${fold.name}: a rating is used twice`);
          if (!fold.foldedUsers)
            assert.equal(
              sorted(used),
              Array.from({ length: rows }, (_, row) => row),
            );
          tested.push(...valid.ratings);
        }
        assert.is(new Set(tested).size, tested.length);
      }
    }),
  );
});

test('a user whose id is a number here and text there is one user', () => {
  const users = [7, '7', 'x', 'x', '7'];
  const table = { users, items: [1, 2, 1, 2, 3], ratings: [0, 1, 2, 3, 4], timestamps: [1, 2, 1, 2, 3] };
  assert.equal([...leaveLast(table)[0].data({ batchSize: 1 }).valid.ratings], [3, 4]);
  for (const fold of byUser(table, { folds: 2, given: 1 })) {
    const { given, test: tested } = fold.foldedUsers!();
    assert.is(new Set([...Array.from(given.users), ...Array.from(tested.users)]).size, 1);
  }
});

test.run();
