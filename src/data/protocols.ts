/**
 * Ways to split ratings into those to train on and those to be judged by. Each gives a list of folds, of which
 * `evaluate` makes one trial each; a protocol repeated with several seeds gives its folds once for each seed.
 */
import { checkOptions, checkSeed, checkWhole, show } from '../base/check.js';
import { groupBy } from '../base/group-by.js';
import { permutationKey, permute, STREAM } from '../base/random.js';
import { CollabData, type CollabDataOptions, type RatingColumns } from './collab-data.js';
import { encode, type Encoded } from './ids.js';
import { randomSplit, rowsWhere } from './split.js';

/** One split, and the seed of everything else that is random when a model is trained on it. */
export interface Fold {
  /** Name of the fold in the results. */
  readonly name: string;
  /** Whole number in [0, 2^32). */
  readonly seed: number;
  /** Ratings to train on, and as `valid` those to be judged by. */
  data(options?: Pick<CollabDataOptions, 'batchSize' | 'titles'>): CollabData;
  /**
   * For test users whom training does not know: the ratings from which they are folded in, and their test ratings in the
   * order of `data().valid`. Absent if training knows the test users.
   */
  foldedUsers?(): { given: RatingColumns; test: RatingColumns };
}

/** Options of every protocol. */
export interface ProtocolOptions {
  /** The protocol is repeated with each of these seeds, whole numbers in [0, 2^32). Default [42]. */
  seeds?: readonly number[] | undefined;
}

/**
 * Random hold-out: a share of the ratings, chosen by the seed, is the test set. The splits of different seeds overlap, so
 * their results are not independent.
 *
 * @param options.validPct share of the ratings that is held out, in (0, 1). Default 0.1
 * @throws RangeError for an option out of range or an empty test set, TypeError for an option that does not exist
 */
export function randomHoldOut(columns: RatingColumns, options: ProtocolOptions & { validPct?: number | undefined } = {}): Fold[] {
  const { validPct = 0.1 } = options;
  const n = columns.ratings.length;
  return seedsOf('randomHoldOut', options, ['validPct']).map((seed) => {
    const { valid } = randomSplit(n, validPct, seed);
    if (valid.length === 0) throw new RangeError(`validPct ${validPct} of ${n} ratings leaves none to test on; hold out more.`);
    return foldOf(columns, `random ${seed}`, seed, valid);
  });
}

/**
 * k-fold cross-validation: a random partition of the ratings into k parts whose sizes differ by at most one. Each part is
 * the test set once.
 *
 * @param options.folds number of parts, from 2 to the number of ratings. Default 5
 * @throws RangeError for an option out of range, TypeError for one that does not exist
 */
export function kFold(columns: RatingColumns, options: ProtocolOptions & { folds?: number | undefined } = {}): Fold[] {
  const { folds = 5 } = options;
  const n = columns.ratings.length;
  const seeds = seedsOf('kFold', options, ['folds']);
  checkFolds(folds, n, 'ratings');
  return seeds.flatMap((seed) =>
    parts(n, folds, seed).map((rows, part) => foldOf(columns, `fold ${part + 1}${ofSeed(seed, seeds)}`, seed, rows)),
  );
}

/**
 * Folds that are split already, such as u1 to u5 of MovieLens with their .base and .test files.
 *
 * @throws RangeError for a seed out of range, TypeError for an option that does not exist
 */
export function givenFolds(
  folds: readonly { name: string; train: RatingColumns; valid: RatingColumns }[],
  options: ProtocolOptions = {},
): Fold[] {
  const seeds = seedsOf('givenFolds', options);
  return seeds.flatMap((seed) =>
    folds.map(({ name, train, valid }) => ({
      name: name + ofSeed(seed, seeds),
      seed,
      data: (dataOptions: CollabDataOptions = {}) => CollabData.fromSplit(train, valid, { ...dataOptions, seed, name }),
    })),
  );
}

/**
 * Leave the last k out: the last k ratings of each user, by time, are the test set. Of two ratings
 * with the same time, the one in the later row counts as the later one. A user with k ratings or fewer is only trained on.
 *
 * @param options.k ratings of each user that are held out. Default 1
 * @throws TypeError without timestamps or for an option that does not exist, RangeError for an option out of range or an
 *   empty test set
 */
export function leaveLast(columns: RatingColumns, options: ProtocolOptions & { k?: number | undefined } = {}): Fold[] {
  const { k = 1 } = options;
  const { timestamps } = columns;
  const n = columns.ratings.length;
  const seeds = seedsOf('leaveLast', options, ['k']);
  checkWhole('k', k);
  if (timestamps === undefined) throw new TypeError('leaveLast needs timestamps, and these ratings have none; use another protocol.');
  const isHeldOut = new Uint8Array(n);
  for (const rows of rowsByUser(encode(columns.users, 'user'))) {
    if (rows.length <= k) continue;
    for (const row of rows.sort((a, b) => timestamps[a] - timestamps[b] || a - b).subarray(-k)) isHeldOut[row] = 1;
  }
  const valid = rowsWhere(n, (row) => isHeldOut[row] === 1);
  if (valid.length === 0) throw new RangeError(`No user has more than ${k} ratings, so nothing is left to test on; use a smaller k.`);
  return seeds.map((seed) => foldOf(columns, `last ${k}${ofSeed(seed, seeds)}`, seed, valid));
}

/**
 * By user: whole users are left out of training, in k parts. Each user left out is folded in from `given` ratings chosen at
 * random, and the others are the test set ("Given N", Breese, Heckerman and Kadie 1998). Users with `given` ratings or
 * fewer are left out in their turn, but not tested.
 *
 * @param options.folds number of parts, from 2 to the number of users. Default 5
 * @param options.given ratings from which a user is folded in. Default 10
 * @throws RangeError for an option out of range, TypeError for one that does not exist
 */
export function byUser(
  columns: RatingColumns,
  options: ProtocolOptions & { folds?: number | undefined; given?: number | undefined } = {},
): Fold[] {
  const { folds = 5, given = 10 } = options;
  const { items, ratings } = columns;
  const n = ratings.length;
  const seeds = seedsOf('byUser', options, ['folds', 'given']);
  checkWhole('given', given);
  const users = encode(columns.users, 'user');
  const rowsOf = rowsByUser(users);
  checkFolds(folds, rowsOf.length, 'users');
  const take = (rows: readonly number[]): RatingColumns => ({
    users: rows.map((row) => users.ids[users.codes[row]]),
    items: rows.map((row) => items[row]),
    ratings: rows.map((row) => ratings[row]),
  });
  return seeds.flatMap((seed) => {
    const key = permutationKey(seed, STREAM.SPLIT, 1);
    const place = Uint32Array.from({ length: n }, (_, row) => permute(n, key, row));
    return parts(rowsOf.length, folds, seed).map((leftOut, part): Fold => {
      const isLeftOut = new Uint8Array(n);
      const givenRows: number[] = [];
      const testRows: number[] = [];
      for (const user of leftOut) {
        const rows = rowsOf[user].slice().sort((a, b) => place[a] - place[b]);
        rows.forEach((row, i) => {
          isLeftOut[row] = 1;
          if (rows.length > given) (i < given ? givenRows : testRows).push(row);
        });
      }
      const name = `users ${part + 1}${ofSeed(seed, seeds)}`;
      return {
        name,
        seed,
        data(dataOptions: CollabDataOptions = {}) {
          const trainIndex = rowsWhere(n, (row) => isLeftOut[row] === 0);
          return CollabData.fromArrays(columns, { ...dataOptions, seed, name, trainIndex, validIndex: testRows });
        },
        foldedUsers: () => ({ given: take(givenRows), test: take(testRows) }),
      };
    });
  });
}

/** The seeds that the options name, after a check of all options. */
function seedsOf(protocol: string, options: ProtocolOptions, others: readonly string[] = []): readonly number[] {
  checkOptions(protocol, options, ['seeds', ...others]);
  const { seeds = [42] } = options;
  if (!Array.isArray(seeds) || seeds.length === 0) throw new RangeError(`seeds must be a list of at least one seed, not ${show(seeds)}.`);
  seeds.forEach((seed, i) => checkSeed(seed, `seeds[${i}]`));
  return seeds;
}

function checkFolds(folds: number, n: number, what: string): void {
  checkWhole('folds', folds, 2);
  if (folds > n) throw new RangeError(`folds is ${folds}, but there are only ${n} ${what} to divide; ask for fewer folds.`);
}

function foldOf(columns: RatingColumns, name: string, seed: number, validIndex: Uint32Array): Fold {
  return {
    name,
    seed,
    data: (options: CollabDataOptions = {}) => CollabData.fromArrays(columns, { ...options, seed, name, validIndex }),
  };
}

/** A random partition of 0 to n - 1 into k parts whose sizes differ by at most one, each in ascending order. */
function parts(n: number, k: number, seed: number): Uint32Array[] {
  const key = permutationKey(seed, STREAM.SPLIT);
  const partOf = new Uint32Array(n);
  for (let i = 0; i < n; i++) partOf[permute(n, key, i)] = Math.floor((i * k) / n);
  const { start, order } = groupBy(partOf, k);
  return Array.from({ length: k }, (_, part) => order.subarray(start[part], start[part + 1]));
}

/** The rows of each user, ascending; users in the order of their first row. */
function rowsByUser({ ids, codes }: Encoded): Uint32Array[] {
  const { start, order } = groupBy(codes, ids.length);
  return ids.map((_, user) => order.subarray(start[user], start[user + 1])).sort((a, b) => a[0] - b[0]);
}

function ofSeed(seed: number, seeds: readonly number[]): string {
  return seeds.length > 1 ? `, seed ${seed}` : '';
}
