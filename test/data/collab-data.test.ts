import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { DataError } from '../../src/base/errors.js';
import { CollabData, type CollabDataOptions, type RatingColumns, type Ratings } from '../../src/data/collab-data.js';
import { type Id, NA } from '../../src/data/ids.js';

const six: RatingColumns = {
  users: [30, 10, 30, 20, 10, 40],
  items: ['b', 'a', 'c', 'b', 'z', 'q'],
  ratings: [1, 2, 3, 4, 5, 0.5],
  timestamps: [11, 12, 13, 14, 15, 16],
};

const range = (n: number) => Array.from({ length: n }, (_, k) => k);

function decode(data: CollabData, rows: Ratings): [Id, Id, number][] {
  return Array.from(rows.ratings, (rating, k) => [data.users.idOf(rows.users[k]), data.items.idOf(rows.items[k]), rating]);
}

function fails(run: () => unknown, type: new (...args: never[]) => Error, pattern: RegExp): void {
  assert.throws(run, (error: Error) => {
    assert.instance(error, type);
    assert.match(error.message, pattern);
    return true;
  });
}

const refused = (columns: RatingColumns, pattern: RegExp, options: CollabDataOptions = {}): void =>
  fails(() => CollabData.fromArrays(columns, options), DataError, pattern);
const badOption = (options: CollabDataOptions, pattern: RegExp): void =>
  fails(() => CollabData.fromArrays(six, { batchSize: 1, ...options }), RangeError, pattern);

test('table rows are #na#, then the training ids in order; ids seen in validation alone are row 0', () => {
  const data = CollabData.fromArrays(six, { validIndex: [5, 4], batchSize: 2 });
  assert.equal(data.users.ids, ['#na#', 10, 20, 30]);
  assert.equal(data.items.ids, ['#na#', 'a', 'b', 'c']);
  assert.equal([...data.train.users], [3, 1, 3, 2]);
  assert.equal([...data.train.items], [2, 1, 3, 2]);
  assert.equal([...data.train.ratings], [1, 2, 3, 4]);
  assert.equal([...data.train.timestamps!], [11, 12, 13, 14]);
  assert.equal([...data.valid.users], [0, 1]);
  assert.equal([...data.valid.items], [0, 0]);
  assert.equal([...data.valid.timestamps!], [16, 15]);
  assert.equal([data.nUsers, data.nItems, data.nTrain, data.nValid, data.batchSize, data.seed, data.name], [4, 4, 4, 2, 2, 42, 'ratings']);
});

test('numbers are ordered by size, strings by code unit, whatever the path', () => {
  const ids = [100, 9, 20, 2 ** 40, 0];
  const of = (users: ArrayLike<Id>): readonly Id[] =>
    CollabData.fromArrays({ users, items: users, ratings: [1, 1, 1, 1, 1] }, { validPct: 0, batchSize: 1 }).users.ids;
  assert.equal(of(ids), [NA, 0, 9, 20, 100, 2 ** 40]);
  assert.equal(of([100, 9, 20, 7, 0]), [NA, 0, 7, 9, 20, 100]);
  assert.equal(of(Uint16Array.from([100, 9, 20, 7, 0])), [NA, 0, 7, 9, 20, 100]);
  assert.equal(of(['b', 'B', 'é', 'a', '10']), [NA, '10', 'B', 'a', 'b', 'é']);
});

test('a column of numbers and strings is read as strings', () => {
  const data = CollabData.fromArrays(
    { users: [2, '10', 2, '2'], items: [1, 1, 1, 1], ratings: [1, 2, 3, 4] },
    { validPct: 0, batchSize: 1 },
  );
  assert.equal(data.users.ids, [NA, '10', '2']);
  assert.equal([...data.train.users], [2, 1, 2, 2]);
});

test('titles are found by number and by text', () => {
  const data = CollabData.fromArrays(six, { batchSize: 1, titles: new Map<Id, string>([[50, 'Star Wars (1977)']]) });
  assert.is(data.titleOf('50'), 'Star Wars (1977)');
  assert.is(data.titleOf(50), 'Star Wars (1977)');
  assert.is(data.titleOf(51), undefined);
  assert.is(CollabData.fromArrays(six, { batchSize: 1 }).titleOf(50), undefined);
});

test('ids round trip: what goes in comes out, for numbers and strings', () => {
  const id = fc.oneof(fc.nat(), fc.nat(12), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
  const text = fc.string({ minLength: 1, maxLength: 3 }).filter((each) => each !== NA);
  const rows = (ids: fc.Arbitrary<Id>) => fc.array(fc.tuple(ids, ids, fc.integer({ min: -4, max: 10 })), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(fc.oneof(rows(id), rows(text)), (each) => {
      const data = CollabData.fromRows(each, { validPct: 0, batchSize: 1 });
      assert.equal(decode(data, data.train), each);
      for (const [user, item] of each) {
        assert.ok(data.users.has(user));
        assert.ok(data.items.has(item));
      }
      assert.equal(data.users.ids.slice(1), [...new Set(data.users.ids.slice(1))]);
    }),
    { seed: 4 },
  );
});

test('seed and validPct each change the split; the same seed gives the same one', () => {
  const order = Float64Array.from({ length: 1000 }, (_, k) => k);
  const valid = (options: CollabDataOptions): string =>
    CollabData.fromArrays({ users: order, items: order, ratings: order }, options).valid.ratings.join();
  assert.is(valid({}), valid({ seed: 42, validPct: 0.2 }));
  assert.is.not(valid({ seed: 1 }), valid({ seed: 2 }));
  assert.is.not(valid({ validPct: 0.1 }), valid({ validPct: 0.2 }));
});

test('validPct 0 leaves the validation set empty', () => {
  const data = CollabData.fromArrays(six, { validPct: 0, batchSize: 6 });
  assert.equal([data.nTrain, data.nValid], [6, 0]);
});

test('trainIndex alone leaves all other rows to validation; both together may leave rows out', () => {
  const data = CollabData.fromArrays(six, { trainIndex: [3, 0], batchSize: 1 });
  assert.equal([...data.train.ratings], [4, 1]);
  assert.equal([...data.valid.ratings], [2, 3, 5, 0.5]);
  const both = CollabData.fromArrays(six, { trainIndex: [3, 0], validIndex: Uint8Array.of(1), batchSize: 1 });
  assert.equal([both.nTrain, both.nValid], [2, 1]);
});

test('fromSplit encodes by the training set alone, numbers and text alike', () => {
  const train = { users: Int32Array.of(1, 2), items: Int32Array.of(5, 6), ratings: Float32Array.of(3, 4) };
  const valid = { users: Int32Array.of(2, 9), items: Int32Array.of(6, 5), ratings: Float32Array.of(1, 2) };
  const data = CollabData.fromSplit(train, valid, { batchSize: 2 });
  assert.equal([...data.valid.users], [2, 0]);
  assert.equal([...data.valid.items], [2, 1]);
  const mixed = CollabData.fromSplit(train, { users: ['2', 'x'], items: [6, 5], ratings: [1, 2] }, { batchSize: 2 });
  assert.equal([...mixed.valid.users], [2, 0]);
  const none = CollabData.fromSplit(train, { users: [], items: [], ratings: [] }, { batchSize: 2 });
  assert.is(none.nValid, 0);
  fails(() => CollabData.fromSplit(train, valid, { validPct: 0.1 }), TypeError, /split already/);
  const timed = { ...train, timestamps: [1, 2] };
  assert.is(CollabData.fromSplit(timed, valid, { batchSize: 2 }).train.timestamps, undefined);
  assert.equal([...CollabData.fromSplit(timed, { ...valid, timestamps: [3, 4] }, { batchSize: 2 }).valid.timestamps!], [3, 4]);
  fails(() => CollabData.fromSplit({ users: [], items: [], ratings: [] }, valid), DataError, /no ratings in train/);
  fails(() => CollabData.fromSplit(train, { users: [1], items: [], ratings: [1] }), DataError, /columns of valid differ/);
});

test('fromRows takes tuples and objects', () => {
  const data = CollabData.fromRows([[1, 'a', 3, 100], { user: 2, item: 'b', rating: 4, timestamp: 200 }], { validPct: 0, batchSize: 1 });
  assert.equal(decode(data, data.train), [
    [1, 'a', 3],
    [2, 'b', 4],
  ]);
  assert.equal([...data.train.timestamps!], [100, 200]);
  assert.is(CollabData.fromRows([[1, 'a', 3]], { validPct: 0, batchSize: 1 }).train.timestamps, undefined);
  fails(
    () =>
      CollabData.fromRows([
        [1, 'a', 3, 100],
        [1, 'b', 3],
      ]),
    DataError,
    /Row 1 has no timestamp/,
  );
  fails(() => CollabData.fromRows([]), DataError, /no ratings/);
});

test('duplicates are kept by default; the last one wins with last; error names both rows', () => {
  const twice: RatingColumns = { users: [1, 2, 1, 1], items: [7, 7, 8, 7], ratings: [1, 2, 3, 4] };
  const options = { validPct: 0, batchSize: 1 };
  assert.equal([...CollabData.fromArrays(twice, options).train.ratings], [1, 2, 3, 4]);
  assert.equal([...CollabData.fromArrays(twice, { ...options, duplicates: 'last' }).train.ratings], [2, 3, 4]);
  refused(twice, /User 1 rates item 7 twice, in rows 0 and 3/, { ...options, duplicates: 'error' });
  assert.is(CollabData.fromArrays(six, { ...options, duplicates: 'error' }).nTrain, 6);
  const given = CollabData.fromArrays(twice, { trainIndex: [0, 1, 2], duplicates: 'last', batchSize: 1 });
  assert.equal([[...given.train.ratings], [...given.valid.ratings]], [[2, 3], [4]]);
  const mean = CollabData.fromArrays(twice, { ...options, duplicates: 'mean' });
  assert.equal([...mean.train.ratings], [2.5, 2, 3]);
  assert.equal(mean.duplicates, { pairs: 1, surplus: 1, onBothSides: 0 });
});

test('a random split keeps the ratings of a pair on one side; in a given one those on both are counted, and noted', () => {
  const n = 400;
  const columns = { users: range(n).map((k) => k % 20), items: range(n).map((k) => k % 11), ratings: range(n) };
  for (const seed of range(20)) {
    const { train, valid, duplicates, notes } = CollabData.fromArrays(columns, { seed });
    const pairs = ({ ratings }: Ratings) => new Set(Array.from(ratings, (k) => `${k % 20} ${k % 11}`));
    assert.is([...pairs(valid)].filter((pair) => pairs(train).has(pair)).length, 0);
    assert.is(pairs(valid).size, Math.floor(0.2 * 220));
    assert.equal(duplicates, { pairs: 180, surplus: 180, onBothSides: 0 });
    assert.match(notes.join(), /^180 pairs of user and item are rated more than once .*: each rating is kept\.$/);
  }
  const given = CollabData.fromArrays(columns, { validIndex: range(n).slice(300) });
  assert.equal(given.duplicates, { pairs: 180, surplus: 180, onBothSides: 100 });
  assert.match(given.notes.join(), /100 pairs are both in training and in validation, so that the validation errors look better/);
  assert.equal(CollabData.fromArrays(six, { batchSize: 1 }).notes, []);
});

test('without a batch size, few ratings make one batch, which is noted', () => {
  const few = CollabData.fromArrays(six, { validPct: 0 });
  assert.equal([few.batchSize, few.stepsPerEpoch], [6, 1]);
  assert.equal(few.notes, ['There are only 6 training ratings: a batch has 6 instead of 64.']);
  assert.equal(CollabData.fromArrays(six, { validPct: 0, batchSize: 6 }).notes, []);
});

test('the columns are copied', () => {
  const ratings = Float32Array.of(1, 2, 3);
  const data = CollabData.fromArrays({ users: [1, 2, 3], items: [1, 2, 3], ratings }, { validPct: 0, batchSize: 1 });
  ratings[0] = 99;
  assert.is(data.train.ratings[0], 1);
});

test('columns that cannot be used are refused, with row and value', () => {
  const good = { users: [1, 2], items: [3, 4], ratings: [1, 2] };
  refused({ users: [], items: [], ratings: [] }, /no ratings in ml/, { name: 'ml' });
  refused({ ...good, users: [1] }, /differ in length: 1 users, 2 items, 2 ratings/);
  refused({ ...good, timestamps: [1] }, /2 ratings, 1 timestamps/);
  refused({ ...good, timestamps: [1, NaN] }, /timestamp in row 1 is NaN/);
  for (const rating of [NaN, Infinity, -Infinity, 1e39, '4' as unknown as number, undefined as unknown as number]) {
    refused({ ...good, ratings: [1, rating] }, /rating in row 1 is .*, not a finite number/);
  }
  for (const id of [-1, 1.5, NaN, 2 ** 53, '', null, undefined, 5n] as Id[]) {
    refused({ ...good, users: [1, id] }, /user in row 1 is .*, not an integer/);
    refused({ ...good, items: [id, 1] }, /item in row 0 is .*, not an integer/);
  }
  refused({ ...good, items: ['a', NA] }, /item in row 1 is '#na#', which is reserved/);
  assert.throws(
    () => CollabData.fromArrays({ ...good, ratings: [1, NaN] }),
    (error: DataError) => error.column === 'rating' && Number.isNaN(error.value),
  );
});

test('options out of range are refused, with the value', () => {
  for (const validPct of [1, -0.1, NaN, 20]) badOption({ validPct }, /validPct must lie in \[0, 1\)/);
  for (const batchSize of [0, -1, 1.5, NaN, Infinity]) badOption({ batchSize }, /batchSize must be a whole number of at least 1/);
  badOption({ batchSize: 6 }, /batchSize 6 is larger than the 5 training ratings/);
  for (const seed of [-1, 1.5, 2 ** 32, NaN]) badOption({ seed }, /seed must be a whole number from 0 to 4294967295/);
  badOption({ duplicates: 'first' as 'last' }, /duplicates must be/);
  for (const row of [-1, 6, 0.5, NaN]) badOption({ trainIndex: [0, row] }, /trainIndex\[1\] is .*, not a row from 0 to 5/);
  badOption({ validIndex: [2, 2] }, /validIndex\[1\] names row 2 a second time/);
  badOption({ trainIndex: [0, 3], validIndex: [1, 3] }, /Row 3 is in trainIndex and in validIndex/);
  fails(() => CollabData.fromArrays(six, { validPct: 0.5, validIndex: [1] }), TypeError, /not both/);
  refused(six, /Nothing is left to train on: all 6 ratings are validation/, { validIndex: [0, 1, 2, 3, 4, 5] });
});

test('an option that does not exist is refused, with the one that was meant; all others are taken', () => {
  fails(
    () => CollabData.fromArrays(six, { batch_size: 2 } as CollabDataOptions),
    TypeError,
    /^CollabData has no option 'batch_size'; did you mean batchSize\?$/,
  );
  const options: Required<Omit<CollabDataOptions, 'trainIndex' | 'validIndex'>> = {
    validPct: 0.5,
    seed: 1,
    batchSize: 1,
    name: 'six',
    titles: new Map(),
    duplicates: 'last',
  };
  assert.is(CollabData.fromArrays(six, options).nTrain, 3);
});

/** A column that counts how often its values are read. */
function counted<T>(values: readonly T[]): { column: ArrayLike<T>; reads: () => number } {
  let reads = 0;
  const column = new Proxy(values, {
    get(target, name, receiver) {
      if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
      return Reflect.get(target, name, receiver);
    },
  });
  return { column, reads: () => reads };
}

test('each value is read a few times only, however many ratings and ids there are', () => {
  const n = 5000;
  const of = (value: (k: number) => Id) => counted(Array.from({ length: n }, (_, k) => value(k)));
  for (const id of [(k: number) => (k * 7919) % 601, (k: number) => `i${(k * 7919) % 601}`]) {
    const [users, items, ratings] = [of(id), of((k) => id(k % 97)), of((k) => k % 5)];
    const data = CollabData.fromArrays(
      { users: users.column, items: items.column, ratings: ratings.column as ArrayLike<number> },
      { duplicates: 'last' },
    );
    assert.is(data.nUsers, 602);
    for (const { reads } of [users, items, ratings]) assert.ok(reads() <= 4 * n, `${reads()} reads of ${n} values`);
  }
});

test.run();
