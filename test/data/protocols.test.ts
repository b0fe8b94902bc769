import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { CollabData, type RatingColumns } from '../../src/data/collab-data.js';
import { fingerprint } from '../../src/base/fingerprint.js';
import { plantedRatings } from '../../src/data/planted.js';
import { byTime, byUser, type Fold, givenFolds, kFold, leaveLast, randomHoldOut, checkRepeats } from '../../src/data/protocols.js';

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
  assert.throws(() => byUser(columns, { given: 1e6 }), /^given 1000000 leaves nothing to test on: no user in part 1 of 5 has more ratings/);
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
    byTime: (options) => byTime(timed, options),
  };
  for (const [name, protocol] of Object.entries(protocols)) {
    for (const seed of [1.5, NaN, -1])
      assert.throws(() => protocol({ seeds: [1, seed] }), /^seeds\[1\] must be a whole number from 0 to 4294967295/);
    for (const seeds of [[], 42]) assert.throws(() => protocol({ seeds }), /^seeds must be a list of at least one seed, not /);
    assert.throws(() => protocol({ duplicates: 'first' }), /^duplicates must be 'keep', 'last', 'mean' or 'error', not 'first'\.$/);
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
      const lists = [
        orNone(() => kFold(table, { folds, seeds: [seed] })),
        orNone(() => randomHoldOut(table, { validPct: 0.4, seeds: [seed] })),
        orNone(() => byUser(table, { folds, given: 1, seeds: [seed] })),
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

test('without duplicates the splits have the bits that they had in 0.1.0', () => {
  const { columns: plain } = plantedRatings({ nUsers: 60, nItems: 80, nRatings: 1500 });
  const timed = { ...plain, timestamps: plain.users.map((_, k) => (k * 7919) % 977) };
  const bits = (folds: Fold[]) =>
    fingerprint(
      ...folds.flatMap((fold) => {
        const { train, valid } = fold.data({ batchSize: 1 });
        const folded = fold.foldedUsers?.();
        return [
          ...[train, valid].flatMap(({ users, items, ratings }) => [users, items, ratings]),
          ...(folded ? [folded.given.users, folded.given.items, folded.test.items].map((ids) => Float64Array.from(ids as number[])) : []),
        ];
      }),
    );
  assert.is(bits(randomHoldOut(timed, { seeds: [1, 2] })), '6f5125681c91a8d9');
  assert.is(bits(kFold(timed, { folds: 4, seeds: [3] })), '38381650864cc44a');
  assert.is(bits(leaveLast(timed, { k: 2 })), '7435b86b25123006');
  assert.is(bits(byUser(timed, { folds: 3, given: 6 })), '3f70e80f14c72a29');
  const { train, valid } = CollabData.fromArrays(timed, { validPct: 0.1, seed: 42 });
  assert.is(fingerprint(train.users, train.ratings, valid.items, valid.ratings), '5a4838e4be4331ed');
});

test('every protocol keeps the ratings of a pair on one side, and merges them where that is asked for', () => {
  fc.assert(
    fc.property(tables, fc.constantFrom('keep', 'last', 'mean'), fc.nat(), (table, duplicates, seed) => {
      const pairOf = (row: number) => `${table.users[row]} ${table.items[row]}`;
      const isDivisible = new Set(table.timestamps).size > 1;
      const options = { seeds: [seed], duplicates } as const;
      const lists = [
        () => kFold(table, { ...options, folds: 2 }),
        () => randomHoldOut(table, { ...options, validPct: 0.4 }),
        () => byUser(table, { ...options, folds: 2, given: 1 }),
        () => leaveLast(table, options),
        ...(isDivisible ? [() => byTime(table, { ...options, testPct: 0.3 })] : []),
      ];
      for (const list of lists) {
        const folds = orNone(list);
        for (const fold of folds) {
          const data = orNone(() => [fold.data({ batchSize: 1 })])[0];
          if (data === undefined) continue;
          assert.is(data.duplicates.onBothSides, 0, fold.name);
          if (duplicates !== 'keep') {
            const names = (part: CollabData['train']) => Array.from(part.users, (user, k) => `${user} ${part.items[k]}`);
            assert.is(new Set(names(data.train)).size, data.nTrain);
          }
          if (!fold.foldedUsers || duplicates === 'mean') continue;
          const { given, test: tested } = fold.foldedUsers();
          assert.equal([...data.valid.ratings], Array.from(tested.ratings), 'in the order of the data');
          const givenPairs = new Set(Array.from(given.ratings, pairOf));
          assert.ok(Array.from(tested.ratings).every((row) => !givenPairs.has(pairOf(row))));
        }
      }
    }),
  );
});

/** What a protocol gives; nothing where the ratings are too few for it. */
function orNone<T>(run: () => T[]): T[] {
  try {
    return run();
  } catch (error) {
    assert.instance(error, Error);
    assert.match((error as Error).message, /leaves|No user has|only \d+|Nothing is left/);
    return [];
  }
}

test('leave-last counts an item once, at its latest rating, and holds it out with all of them', () => {
  const table = { users: [1, 1, 1, 1], items: [5, 6, 7, 5], ratings: [0, 1, 2, 3], timestamps: [1, 2, 3, 4] };
  const held = (k: number) => [...leaveLast(table, { k })[0].data({ batchSize: 1 }).valid.ratings];
  assert.equal(held(1), [0, 3]);
  assert.equal(held(2), [0, 2, 3]);
  assert.throws(() => held(3), /No user has more than 3 ratings/);
});

test('a split by time trains on the past, and keeps an instant and a pair on one side', () => {
  const table = { users: [1, 2, 3, 4, 5, 6], items: [1, 1, 1, 1, 1, 1], ratings: [0, 1, 2, 3, 4, 5], timestamps: [30, 10, 20, 20, 20, 40] };
  const held = (options: object, of: RatingColumns = table) => [...byTime(of, options)[0].data({ batchSize: 1 }).valid.ratings];
  assert.equal(held({ testFrom: 21 }), [0, 5]);
  assert.equal(held({ testFrom: 20 }), [0, 2, 3, 4, 5]);
  assert.equal(held({ testFrom: 40 }), [5]);
  assert.equal([held({}), held({ testPct: 0.2 }), held({ testPct: 0.5 }), held({ testPct: 0.9 })], [[5], [5], [0, 5], [0, 2, 3, 4, 5]]);
  const again = { ...table, users: [1, 2, 3, 4, 5, 2] };
  assert.equal(held({ testFrom: 40 }, again), [1, 5], 'the earlier rating of a pair goes with the latest');
  assert.equal(
    byTime(table, { testFrom: 21, seeds: [1, 2] }).map(({ name, seed, nTrain }) => [name, seed, nTrain]),
    [
      ['from 21, seed 1', 1, 4],
      ['from 21, seed 2', 2, 4],
    ],
  );
});

test('the share of a split by time is as near as instants allow', () => {
  const times = fc.array(fc.nat(6), { minLength: 2, maxLength: 40 }).filter((each) => new Set(each).size > 1);
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (timestamps, testPct) => {
      const ids = timestamps.map((_, k) => k);
      const [fold] = byTime({ users: ids, items: ids, ratings: timestamps, timestamps }, { testPct });
      const { train, valid } = fold.data({ batchSize: 1 });
      const [newest, oldest] = [Math.max(...train.ratings), Math.min(...valid.ratings)];
      assert.ok(newest < oldest);
      const off = (nValid: number) => Math.abs(nValid - testPct * timestamps.length);
      const possible = [...new Set(timestamps)]
        .map((from) => timestamps.filter((time) => time >= from).length)
        .filter((k) => k < timestamps.length);
      assert.ok(possible.every((nValid) => off(valid.ratings.length) <= off(nValid) + 1e-9));
    }),
  );
});

test('a split by time that leaves nothing on one side is refused, with the range of the timestamps', () => {
  const table = { users: [1, 2], items: [1, 1], ratings: [1, 2], timestamps: [874724710, 893286638] };
  const reach = 'the timestamps reach from 874724710 \\(1997-09-20\\) to 893286638 \\(1998-04-22\\)\\.$';
  const refused = (options: object, message: RegExp, of: RatingColumns = table) => assert.throws(() => byTime(of, options), message);
  refused({ testFrom: 1e9 }, new RegExp(`^testFrom 1000000000 \\(2001-09-09\\) leaves no rating to test on: ${reach}`));
  refused({ testFrom: 874724710 }, new RegExp(`^testFrom 874724710 .* leaves no rating to train on: ${reach}`));
  refused({ testFrom: NaN }, /^testFrom must be a finite number, not NaN\.$/);
  refused({ testFrom: 874724711, testPct: 0.1 }, /^Give either testFrom or testPct, not both\.$/);
  for (const testPct of [1, -0.1, NaN]) refused({ testPct }, /^testPct must lie in \[0, 1\)/);
  refused({ testPct: 0 }, /^testPct 0 leaves no rating to test on/);
  refused({}, /needs ratings of two instants at least, and all of these are of 1577836800000 \(2020-01-01\)\.$/, {
    ...table,
    timestamps: [1577836800000, 1577836800000],
  });
  refused({}, /^byTime needs timestamps, and these ratings have none/, columns);
});

test('an empty test set among given folds is refused', () => {
  const part = { users: [1], items: [1], ratings: [1] };
  assert.throws(
    () => givenFolds([{ name: 'u2', train: part, valid: { users: [], items: [], ratings: [] } }]),
    /^The test set of u2 is empty/,
  );
});

test('given folds keep duplicates on the sides that they are given on, or merge them, and count them', () => {
  const part = (ratings: number[]) => ({ users: ratings.map(() => 1), items: ratings.map((_, k) => k), ratings });
  const folds = (duplicates: 'keep' | 'last') => givenFolds([{ name: 'a', train: part([1, 2, 3]), valid: part([4]) }], { duplicates });
  const kept = folds('keep')[0].data({ batchSize: 1 });
  assert.equal(kept.duplicates, { pairs: 1, surplus: 1, onBothSides: 1 });
  const last = folds('last')[0].data({ batchSize: 1 });
  assert.equal([[...last.train.ratings], [...last.valid.ratings], last.duplicates.onBothSides], [[2, 3], [4], 0]);
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

test('more repetitions than memory is to hold are refused, with the most that there may be', () => {
  const ratings = { users: [1, 1, 2, 2], items: [1, 2, 1, 2], ratings: [1, 2, 3, 4] };
  const seeds = Array.from({ length: 60_000 }, (_, seed) => seed);
  assert.throws(
    () => kFold(ratings, { folds: 4, seeds }),
    /^The number of seeds must be at most 25000 here, not 60000: the folds of all repetitions are kept in memory\.$/,
  );
  assert.throws(() => checkRepeats(2000, 100_000, 5, 'repeats'), /^repeats must be at most 1342 here, not 2000: /);
  checkRepeats(1, 2 ** 40);
});

test.run();
