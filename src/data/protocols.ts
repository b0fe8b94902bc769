/**
 * Ways to split ratings into those to train on and those to be judged by. Each gives a list of folds, of which
 * `evaluate` makes one trial each; a protocol repeated with several seeds gives its folds once for each seed. What is
 * divided are pairs of user and item: all ratings of a pair lie on one side.
 */
import { checkChoice, checkOptions, checkSeed, checkShare, checkWhole, show } from '../base/check.js';
import { groupBy } from '../base/group-by.js';
import { permutationKey, permute, STREAM } from '../base/random.js';
import { checkColumns, CollabData, type CollabDataOptions, type RatingColumns } from './collab-data.js';
import { type DuplicateChoice, DUPLICATES, findPairs, firstRows, latestRows, mergeDuplicates, type Pairs } from './duplicates.js';
import { encode, type Encoded } from './ids.js';
import { randomSplit, rowsWhere } from './split.js';

/** One split, and the seed of everything else that is random when a model is trained on it. */
export interface Fold {
  /** Name of the fold in the results. */
  readonly name: string;
  /** Whole number in [0, 2^32). */
  readonly seed: number;
  /** Ratings to train on, before duplicates are merged, where that is known without making the data. */
  readonly nTrain?: number | undefined;
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
  /** What becomes of ratings of one pair of user and item, see `DuplicateChoice`. Default 'keep'. */
  duplicates?: DuplicateChoice | undefined;
}

/**
 * Random hold-out: a share of the pairs of user and item, chosen by the seed, is the test set. The splits of different seeds
 * overlap, so their results are not independent.
 *
 * @param options.validPct share of the pairs that is held out, in (0, 1). Default 0.1
 * @throws RangeError for an option out of range or an empty test set, TypeError for an option that does not exist
 */
export function randomHoldOut(columns: RatingColumns, options: ProtocolOptions & { validPct?: number | undefined } = {}): Fold[] {
  const { validPct = 0.1 } = options;
  const seeds = seedsOf('randomHoldOut', options, ['validPct']);
  const { pairs } = encodedOf(columns);
  checkRepeats(seeds.length, columns.ratings.length);
  return seeds.map((seed) => {
    const { valid } = randomSplit(pairs.n, validPct, seed);
    if (valid.length === 0) throw new RangeError(`validPct ${validPct} of ${pairs.n} ratings leaves none to test on; hold out more.`);
    return foldOf(columns, options, `random ${seed}`, seed, rowsOfPairs(pairs, valid));
  });
}

/**
 * k-fold cross-validation: a random partition of the pairs of user and item into k parts whose sizes differ by at most one.
 * Each part is the test set once.
 *
 * @param options.folds number of parts, from 2 to the number of pairs. Default 5
 * @throws RangeError for an option out of range, TypeError for one that does not exist
 */
export function kFold(columns: RatingColumns, options: ProtocolOptions & { folds?: number | undefined } = {}): Fold[] {
  const { folds = 5 } = options;
  const seeds = seedsOf('kFold', options, ['folds']);
  const { pairs } = encodedOf(columns);
  checkFolds(folds, pairs.n, 'ratings');
  checkRepeats(seeds.length, columns.ratings.length, folds);
  return seeds.flatMap((seed) =>
    parts(pairs.n, folds, seed).map((part, k) =>
      foldOf(columns, options, `fold ${k + 1}${ofSeed(seed, seeds)}`, seed, rowsOfPairs(pairs, part)),
    ),
  );
}

/**
 * Folds that are split already, such as u1 to u5 of MovieLens with their .base and .test files. Ratings of one pair stay on the
 * sides that they are given on; `CollabData.duplicates` counts them.
 *
 * @throws RangeError for an option out of range or an empty test set, TypeError for an option that does not exist
 */
export function givenFolds(
  folds: readonly { name: string; train: RatingColumns; valid: RatingColumns }[],
  options: ProtocolOptions = {},
): Fold[] {
  const seeds = seedsOf('givenFolds', options);
  const { duplicates } = options;
  const empty = folds.find(({ valid }) => valid.ratings.length === 0);
  if (empty) throw new RangeError(`The test set of ${empty.name} is empty, so that nothing can be judged by it.`);
  return seeds.flatMap((seed) =>
    folds.map(({ name, train, valid }) => ({
      name: name + ofSeed(seed, seeds),
      seed,
      nTrain: train.ratings.length,
      data: (dataOptions: CollabDataOptions = {}) => CollabData.fromSplit(train, valid, { ...dataOptions, seed, name, duplicates }),
    })),
  );
}

/**
 * Leave the last k out: the last k ratings of each user, by time, are the test set. Of two ratings with the same time, the one
 * in the later row counts as the later one. A user with k ratings or fewer is only trained on. An item that a user rates
 * several times counts once, at its latest rating, and is held out with all of them.
 *
 * @param options.k ratings of each user that are held out. Default 1
 * @throws TypeError without timestamps or for an option that does not exist, RangeError for an option out of range or an
 *   empty test set
 */
export function leaveLast(columns: RatingColumns, options: ProtocolOptions & { k?: number | undefined } = {}): Fold[] {
  const { k = 1 } = options;
  const seeds = seedsOf('leaveLast', options, ['k']);
  checkWhole('k', k);
  const timestamps = timestampsOf(columns, 'leaveLast');
  const { users, pairs } = encodedOf(columns);
  const latest = latestRows(pairs, timestamps);
  const held: number[] = [];
  for (const rows of rowsByUser(users)) {
    const last = rows.filter((row) => latest[pairs.ofRow[row]] === row);
    if (last.length <= k) continue;
    for (const row of last.sort((a, b) => timestamps[a] - timestamps[b] || a - b).subarray(-k)) held.push(pairs.ofRow[row]);
  }
  if (held.length === 0) throw new RangeError(`No user has more than ${k} ratings, so that nothing is left to test on; hold out fewer.`);
  const valid = rowsOfPairs(pairs, held);
  return seeds.map((seed) => foldOf(columns, options, `last ${k}${ofSeed(seed, seeds)}`, seed, valid));
}

/** Where a split by time lies: at an instant, or so that a share of the ratings comes after it. */
export interface ByTimeOptions extends ProtocolOptions {
  /** Ratings from this instant on are the test set; in the unit of the timestamps. */
  testFrom?: number | undefined;
  /**
   * Share of the ratings that is the test set, in (0, 1): as near to it as can be, for ratings of one instant are not divided.
   * Default 0.1.
   */
  testPct?: number | undefined;
}

/**
 * A global split by time: trained on the past, judged by what came after. The ratings of one instant lie on one side. A pair
 * of user and item that is rated several times lies where its latest rating does, so that training knows nothing of the future.
 *
 * @throws TypeError without timestamps, with both options, or for one that does not exist; RangeError for an option out of
 *   range, or where nothing is left on one side
 */
export function byTime(columns: RatingColumns, options: ByTimeOptions = {}): Fold[] {
  const seeds = seedsOf('byTime', options, ['testFrom', 'testPct']);
  const timestamps = timestampsOf(columns, 'byTime');
  const { pairs } = encodedOf(columns);
  const latest = latestRows(pairs, timestamps);
  const timeOf = (row: number) => timestamps[latest[pairs.ofRow[row]]];
  const from = startOfTest(Float64Array.from(pairs.ofRow, (_, row) => timeOf(row)).sort(), options);
  const valid = rowsWhere(pairs.ofRow.length, (row) => timeOf(row) >= from);
  return seeds.map((seed) => foldOf(columns, options, `from ${from}${ofSeed(seed, seeds)}`, seed, valid));
}

/** The first instant of the test set. @param times ascending */
function startOfTest(times: Float64Array, { testFrom, testPct }: ByTimeOptions): number {
  const [first, last] = [times[0], times[times.length - 1]];
  const reach = `the timestamps reach from ${dated(first)} to ${dated(last)}`;
  if (testFrom !== undefined) {
    if (testPct !== undefined) throw new TypeError('Give either testFrom or testPct, not both.');
    if (!Number.isFinite(testFrom)) throw new RangeError(`testFrom must be a finite number, not ${show(testFrom)}.`);
    if (testFrom > last) throw new RangeError(`testFrom ${dated(testFrom)} leaves no rating to test on: ${reach}.`);
    if (testFrom <= first) throw new RangeError(`testFrom ${dated(testFrom)} leaves no rating to train on: ${reach}.`);
    return testFrom;
  }
  const share = testPct ?? 0.1;
  checkShare('testPct', share);
  if (share === 0) throw new RangeError('testPct 0 leaves no rating to test on; hold out more.');
  if (first === last)
    throw new RangeError(`A split by time needs ratings of two instants at least, and all of these are of ${dated(first)}.`);
  // The instants around the rating at which the share begins; the nearer of the two.
  const wanted = times.length * (1 - share);
  const at = Math.min(times.length - 1, Math.max(1, Math.round(wanted)));
  const begin = times.indexOf(times[at]);
  const end = times.lastIndexOf(times[at]) + 1;
  const isEarlier = begin > 0 && (end === times.length || wanted - begin <= end - wanted);
  return times[isEarlier ? begin : end];
}

/** A timestamp, with its date if it may be one in seconds or milliseconds since 1970. */
function dated(time: number): string {
  const seconds = Math.abs(time) >= 1e11 ? time / 1000 : time;
  if (!(seconds >= 1e8 && seconds < 1e11)) return String(time);
  return `${time} (${new Date(1000 * seconds).toISOString().slice(0, 10)})`;
}

/**
 * By user: whole users are left out of training, in k parts. Each user left out is folded in from `given` ratings chosen at
 * random, and the others are the test set ("Given N", Breese, Heckerman and Kadie 1998). Users with `given` ratings or
 * fewer are left out in their turn, but not tested. An item that a user rates several times counts once.
 *
 * @param options.folds number of parts, from 2 to the number of users. Default 5
 * @param options.given ratings from which a user is folded in. Default 10
 * @throws RangeError for an option out of range or a part without a user to test, TypeError for an option that does not exist
 */
export function byUser(
  columns: RatingColumns,
  options: ProtocolOptions & { folds?: number | undefined; given?: number | undefined } = {},
): Fold[] {
  const { folds = 5, given = 10, duplicates = 'keep' } = options;
  const n = columns.ratings.length;
  const seeds = seedsOf('byUser', options, ['folds', 'given']);
  checkWhole('given', given);
  const { users, pairs } = encodedOf(columns);
  const rowsOf = rowsByUser(users);
  checkFolds(folds, rowsOf.length, 'users');
  checkRepeats(seeds.length, n, folds);
  const { columns: merged, dropped } = mergeDuplicates(columns, pairs, duplicates);
  const take = (rows: readonly number[]): RatingColumns => {
    const kept = rows.filter((row) => dropped[row] === 0);
    return {
      users: kept.map((row) => users.ids[users.codes[row]]),
      items: kept.map((row) => columns.items[row]),
      ratings: kept.map((row) => merged.ratings[row]),
    };
  };
  const firstRow = firstRows(pairs);
  return seeds.flatMap((seed) => {
    const key = permutationKey(seed, STREAM.SPLIT, 1);
    const place = Uint32Array.from({ length: n }, (_, row) => permute(n, key, row));
    const placeOf = (row: number) => place[firstRow[pairs.ofRow[row]]];
    return parts(rowsOf.length, folds, seed).map((leftOut, part): Fold => {
      const isLeftOut = new Uint8Array(n);
      const givenRows: number[] = [];
      const testRows: number[] = [];
      let nLeftOut = 0;
      for (const user of leftOut) {
        const rows = rowsOf[user].slice().sort((a, b) => placeOf(a) - placeOf(b) || a - b);
        nLeftOut += rows.length;
        const isTested = new Set(rows.map((row) => pairs.ofRow[row])).size > given;
        const seen = new Set<number>();
        for (const row of rows) {
          isLeftOut[row] = 1;
          const isGiven = seen.add(pairs.ofRow[row]).size <= given;
          if (isTested) (isGiven ? givenRows : testRows).push(row);
        }
      }
      const name = `users ${part + 1}${ofSeed(seed, seeds)}`;
      if (testRows.length === 0) {
        throw new RangeError(
          `given ${given} leaves nothing to test on: no user in part ${part + 1} of ${folds} has more ratings; use a smaller number.`,
        );
      }
      return {
        name,
        seed,
        nTrain: n - nLeftOut,
        data(dataOptions: CollabDataOptions = {}) {
          const trainIndex = rowsWhere(n, (row) => isLeftOut[row] === 0);
          return CollabData.fromArrays(columns, { ...dataOptions, seed, name, trainIndex, validIndex: testRows, duplicates });
        },
        foldedUsers: () => ({ given: take(givenRows), test: take(testRows) }),
      };
    });
  });
}

/** The seeds that the options name, after a check of all options. */
function seedsOf(protocol: string, options: ProtocolOptions, others: readonly string[] = []): readonly number[] {
  checkOptions(protocol, options, ['seeds', 'duplicates', ...others]);
  const { seeds = [42], duplicates = 'keep' } = options;
  if (!Array.isArray(seeds) || seeds.length === 0) throw new RangeError(`seeds must be a list of at least one seed, not ${show(seeds)}.`);
  seeds.forEach((seed, i) => checkSeed(seed, `seeds[${i}]`));
  checkChoice('duplicates', duplicates, DUPLICATES);
  return seeds;
}

/** Which rows are of the same user, and of the same pair of user and item. */
function encodedOf(columns: RatingColumns): { users: Encoded; pairs: Pairs } {
  checkColumns(columns, 'ratings');
  const users = encode(columns.users, 'user');
  return { users, pairs: findPairs(users, encode(columns.items, 'item')) };
}

/** All rows of some pairs, ascending. */
function rowsOfPairs({ n, ofRow }: Pairs, some: ArrayLike<number>): Uint32Array {
  const isWanted = new Uint8Array(n);
  for (let k = 0; k < some.length; k++) isWanted[some[k]] = 1;
  return rowsWhere(ofRow.length, (row) => isWanted[ofRow[row]] === 1);
}

function timestampsOf({ timestamps }: RatingColumns, protocol: string): ArrayLike<number> {
  if (timestamps === undefined) throw new TypeError(`${protocol} needs timestamps, and these ratings have none; use another protocol.`);
  return timestamps;
}

function checkFolds(folds: number, n: number, what: string): void {
  checkWhole('folds', folds, 2);
  if (folds > n) throw new RangeError(`folds is ${folds}, but there are only ${n} ${what} to divide; ask for fewer folds.`);
}

/** Rows that the folds of all seeds keep together, half a gigabyte; and folds. */
const MAX_KEPT = 2 ** 27;
const MAX_FOLDS = 100_000;

/**
 * Checks that the folds of a repeated protocol do not take more of the host's memory than they may.
 *
 * @param nRepeats what `name` says
 * @param nRatings of which each repetition keeps the rows
 * @throws RangeError with the most repetitions that there may be
 */
export function checkRepeats(nRepeats: number, nRatings: number, folds = 1, name = 'The number of seeds'): void {
  const most = Math.max(1, Math.floor(Math.min(MAX_KEPT / nRatings, MAX_FOLDS / folds)));
  if (nRepeats <= most) return;
  throw new RangeError(`${name} must be at most ${most} here, not ${nRepeats}: the folds of all repetitions are kept in memory.`);
}

function foldOf(columns: RatingColumns, { duplicates }: ProtocolOptions, name: string, seed: number, validIndex: Uint32Array): Fold {
  return {
    name,
    seed,
    nTrain: columns.ratings.length - validIndex.length,
    data: (options: CollabDataOptions = {}) => CollabData.fromArrays(columns, { ...options, seed, name, validIndex, duplicates }),
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
  const rows = Array.from({ length: ids.length }, (_, user) => order.subarray(start[user], start[user + 1]));
  return rows.sort((a, b) => a[0] - b[0]);
}

function ofSeed(seed: number, seeds: readonly number[]): string {
  return seeds.length > 1 ? `, seed ${seed}` : '';
}
