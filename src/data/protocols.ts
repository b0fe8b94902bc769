/**
 * Ways to split ratings into those to train on and those to be judged by. Each gives a list of folds, of which
 * `evaluate` makes one trial each; a protocol repeated with several seeds gives its folds once for each seed.
 */
import { CollabData, type CollabDataOptions, type Id, randomSplit, type RatingColumns } from './collab-data.js';
import { permutationKey, permute, STREAM } from '../base/random.js';

/** One split, and the seed of all else that is random when a model is trained on it. */
export interface Fold {
  /** Unique within its protocol. */
  readonly name: string;
  readonly seed: number;
  /** Ratings to train on, and as `valid` those to be judged by. */
  data(options?: Pick<CollabDataOptions, 'batchSize' | 'titles'>): CollabData;
  /** Where the test users are new to the model: ratings of theirs to fold in, and the test ratings, as `valid` has them. */
  foldedUsers?(): { given: RatingColumns; test: RatingColumns };
}

/** What every protocol takes. */
export interface ProtocolOptions {
  /** The protocol is repeated with each. Default [42]. */
  seeds?: readonly number[];
}

/**
 * Random hold-out: a share of the ratings, chosen by the seed, is the test set. The splits of different seeds overlap, so
 * their results are not independent.
 *
 * @param validPct share of the ratings held out, in (0, 1). Default 0.1.
 */
export function randomHoldOut(
  columns: RatingColumns,
  { validPct = 0.1, seeds = [42] }: ProtocolOptions & { validPct?: number } = {},
): Fold[] {
  return seeds.map((seed) => {
    const split = randomSplit(columns.ratings.length, validPct, seed);
    if (split.valid.length === 0) throw new RangeError(`validPct ${validPct} of ${columns.ratings.length} ratings leaves none to test on.`);
    return foldOf(columns, `random ${seed}`, seed, () => split.valid);
  });
}

/**
 * k-fold cross-validation: a random partition of the ratings into k parts whose sizes differ by one at most; each is the
 * test set once.
 *
 * @param folds number of parts, from 2 to the number of ratings. Default 5.
 */
export function kFold(columns: RatingColumns, { folds = 5, seeds = [42] }: ProtocolOptions & { folds?: number } = {}): Fold[] {
  const n = columns.ratings.length;
  checkWhole('folds', folds, 2, n, 'the number of ratings');
  return seeds.flatMap((seed) => {
    const partOf = parts(n, folds, seed);
    return range(folds).map((part) =>
      foldOf(columns, `fold ${part + 1}${ofSeed(seed, seeds)}`, seed, () => rowsWhere(n, (row) => partOf[row] === part)),
    );
  });
}

/** Folds that are given, such as MovieLens' u1 to u5 with their .base and .test files. */
export function givenFolds(
  folds: readonly { name: string; train: RatingColumns; valid: RatingColumns }[],
  { seeds = [42] }: ProtocolOptions = {},
): Fold[] {
  return seeds.flatMap((seed) =>
    folds.map(({ name, train, valid }) => ({
      name: name + ofSeed(seed, seeds),
      seed,
      data: (options: CollabDataOptions = {}) => CollabData.fromSplit(train, valid, { ...options, seed, name }),
    })),
  );
}

/**
 * Leave the last k out: the last k ratings of each user, by time, are the test set. Of ratings at the same time the later
 * row is the later one. A user with k ratings or fewer is only trained on.
 *
 * @param k Default 1.
 * @throws TypeError without timestamps
 */
export function leaveLast(columns: RatingColumns, { k = 1, seeds = [42] }: ProtocolOptions & { k?: number } = {}): Fold[] {
  checkWhole('k', k, 1);
  const { users, timestamps } = columns;
  if (timestamps === undefined) throw new TypeError('leaveLast needs timestamps, and these ratings have none; use another protocol.');
  const held = new Uint8Array(users.length);
  for (const rows of groupByUser(users)) {
    if (rows.length <= k) continue;
    for (const row of rows.sort((a, b) => timestamps[a] - timestamps[b] || a - b).slice(-k)) held[row] = 1;
  }
  const valid = rowsWhere(users.length, (row) => held[row] === 1);
  if (valid.length === 0) throw new RangeError(`No user has more than ${k} ratings, so nothing is left to test on.`);
  return seeds.map((seed) => foldOf(columns, `last ${k}${ofSeed(seed, seeds)}`, seed, () => valid));
}

/**
 * By user: whole users are left out of training, in k parts. Of each, `given` ratings at random are folded in, and the
 * others are the test set ("Given N", Breese, Heckerman and Kadie 1998). Of a left-out user with no more ratings than
 * that, nothing is tested.
 *
 * @param folds number of parts, from 2 to the number of users. Default 5.
 * @param given Default 10.
 */
export function byUser(
  columns: RatingColumns,
  { folds = 5, given = 10, seeds = [42] }: ProtocolOptions & { folds?: number; given?: number } = {},
): Fold[] {
  checkWhole('given', given, 1);
  const n = columns.ratings.length;
  const { users, items, ratings } = columns;
  const rowsOfUser = groupByUser(users);
  checkWhole('folds', folds, 2, rowsOfUser.length, 'the number of users');
  return seeds.flatMap((seed) => {
    const partOf = parts(rowsOfUser.length, folds, seed);
    const place = permutation(n, seed);
    return range(folds).map((part): Fold => {
      const left = rowsOfUser.filter((_, user) => partOf[user] === part).map((rows) => [...rows].sort((a, b) => place[a] - place[b]));
      const rowsOf = (from: number, to?: number) => left.filter((rows) => rows.length > given).flatMap((rows) => rows.slice(from, to));
      const take = (rows: number[]): RatingColumns => ({
        users: rows.map((row) => users[row]),
        items: rows.map((row) => items[row]),
        ratings: rows.map((row) => ratings[row]),
      });
      const isLeft = new Set(left.flat());
      const validIndex = rowsOf(given);
      const name = `users ${part + 1}${ofSeed(seed, seeds)}`;
      return {
        name,
        seed,
        data: (options: CollabDataOptions = {}) =>
          CollabData.fromArrays(columns, { ...options, seed, name, trainIndex: rowsWhere(n, (row) => !isLeft.has(row)), validIndex }),
        foldedUsers: () => ({ given: take(rowsOf(0, given)), test: take(validIndex) }),
      };
    });
  });
}

function foldOf(columns: RatingColumns, name: string, seed: number, valid: () => Uint32Array): Fold {
  return {
    name,
    seed,
    data: (options: CollabDataOptions = {}) => CollabData.fromArrays(columns, { ...options, seed, name, validIndex: valid() }),
  };
}

/** The part, 0 to k - 1, of each of n things, at random and evenly. */
function parts(n: number, k: number, seed: number): Uint32Array {
  const key = permutationKey(seed, STREAM.SPLIT);
  const partOf = new Uint32Array(n);
  for (let i = 0; i < n; i++) partOf[permute(n, key, i)] = Math.floor((i * k) / n);
  return partOf;
}

/** Where a random order puts each of n things. */
function permutation(n: number, seed: number): Uint32Array {
  const key = permutationKey(seed, STREAM.SPLIT, 1);
  return Uint32Array.from({ length: n }, (_, i) => permute(n, key, i));
}

/** The rows of each user, users in order of their first row. */
function groupByUser(users: ArrayLike<Id>): number[][] {
  const rowsOfUser = new Map<Id, number[]>();
  for (let row = 0; row < users.length; row++) {
    const rows = rowsOfUser.get(users[row]);
    if (rows) rows.push(row);
    else rowsOfUser.set(users[row], [row]);
  }
  return [...rowsOfUser.values()];
}

function rowsWhere(n: number, wanted: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(n);
  let count = 0;
  for (let row = 0; row < n; row++) if (wanted(row)) rows[count++] = row;
  return rows.slice(0, count);
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

function ofSeed(seed: number, seeds: readonly number[]): string {
  return seeds.length > 1 ? `, seed ${seed}` : '';
}

function checkWhole(name: string, value: number, least: number, most = Infinity, mostIs = ''): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be a whole number from ${least}${most < Infinity ? ` to ${mostIs} (${most})` : ''}, not ${value}.`);
}
