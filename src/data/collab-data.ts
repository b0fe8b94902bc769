import { checkChoice, checkOptions, checkSeed, checkWhole, show } from '../base/check.js';
import { DataError } from '../base/errors.js';
import { countDuplicates, type DuplicateChoice, type DuplicateCounts, DUPLICATES, findPairs, mergeDuplicates } from './duplicates.js';
import { encode, type Encoded, type Id, IdMap, NA, titleOf } from './ids.js';
import { batchNotes, duplicateNotes } from './notes.js';
import { type PopularItem, popularItems } from './popular-items.js';
import type { RatingColumns, Ratings } from './ratings.js';
import type { DataShare } from './share.js';
import { type SplitOptions, splitRows } from './split.js';

export type { RatingColumns, Ratings } from './ratings.js';

/** One rating as a row, for `CollabData.fromRows`. */
export type RatingRow =
  | readonly [user: Id, item: Id, rating: number, timestamp?: number]
  | { user: Id; item: Id; rating: number; timestamp?: number | undefined };

/** How ratings are split and batched; all optional. */
export interface CollabDataOptions extends SplitOptions {
  /** Whole number in [0, 2^32): decides the split, and later the starting values and the order of each epoch. Default 42. */
  seed?: number | undefined;
  /** Ratings per training step, from 1 to the number of training rows. Default 64, or all of them if they are fewer. */
  batchSize?: number | undefined;
  /** Name of the data in messages and tables. Default 'ratings'. */
  name?: string | undefined;
  /** Item titles by item id. Default: none. */
  titles?: ReadonlyMap<Id, string> | undefined;
  /**
   * What to do where one user rates one item several times, see `DuplicateChoice`. This comes before the split; a random
   * split keeps all ratings of a pair on one side. Default 'keep'.
   */
  duplicates?: DuplicateChoice | undefined;
}

/** Ratings as `CollabData` has them. */
export interface EncodedRatings {
  users: IdMap;
  items: IdMap;
  train: Ratings;
  valid: Ratings;
  duplicates: DuplicateCounts & { choice: DuplicateChoice };
  /** Given where `train` and `valid` are the ratings of some users only. */
  share?: DataShare | undefined;
  /** Stands for all ids and ratings, where they need not be looked at to know it. */
  fingerprint?: string | undefined;
}

/** Ratings per training step where nothing else is asked for and there are as many. */
export const USUAL_BATCH = 64;

const OPTIONS: readonly (keyof CollabDataOptions)[] = [
  'validPct',
  'seed',
  'trainIndex',
  'validIndex',
  'batchSize',
  'name',
  'titles',
  'duplicates',
];

/**
 * Ratings ready for training: split into training and validation, and encoded as fastai does it. Each id that occurs in
 * training gets a table row of its own; all others have row 0, `#na#`. A column that mixes numbers and strings is read as
 * strings. Made by `fromArrays`, `fromRows` or `fromSplit`.
 */
export class CollabData {
  private constructor(
    /** Name of the data in messages and tables. */
    readonly name: string,
    /** Users by row of the user table. */
    readonly users: IdMap,
    /** Items by row of the item table. */
    readonly items: IdMap,
    /** The training ratings; never changed. */
    readonly train: Ratings,
    /** The validation ratings, possibly none; never changed. */
    readonly valid: Ratings,
    readonly seed: number,
    /** Ratings per training step. */
    readonly batchSize: number,
    /** Pairs of user and item that are rated more than once. */
    readonly duplicates: DuplicateCounts,
    /** What should be known of these ratings before results are read, in sentences. */
    readonly notes: readonly string[],
    /** Item titles by item id, if known. */
    readonly titles?: ReadonlyMap<Id, string>,
    /** Which of all ratings these are, on a rank that has only some; then `nTrain` and all other counts are of the whole. */
    readonly share?: DataShare,
    /** @internal See `dataFingerprint`. */
    readonly fingerprint?: string,
  ) {}

  /** Rows of the user tables, `#na#` included. */
  get nUsers(): number {
    return this.users.size;
  }

  /** Rows of the item tables, `#na#` included. */
  get nItems(): number {
    return this.items.size;
  }

  /** Number of training ratings. */
  get nTrain(): number {
    return this.share?.nTrain ?? this.train.ratings.length;
  }

  /** Number of validation ratings. */
  get nValid(): number {
    return this.share?.whole.nValid ?? this.valid.ratings.length;
  }

  /** Full batches in an epoch; the ratings left over are dropped, others each time. */
  get stepsPerEpoch(): number {
    return Math.floor(this.nTrain / this.batchSize);
  }

  /** Title of an item by its id, which may be 196 or '196'; undefined if none is known. */
  titleOf(item: Id): string | undefined {
    return titleOf(this.titles, item);
  }

  /**
   * The n items with the most training ratings, the most rated first, with the mean and the standard deviation of their ratings;
   * `popularItems(data.nItems)` gives all. Those that most people know and disagree on, the best to ask a new user about:
   *
   *     data.popularItems(200).sort((a, b) => b.sd - a.sd).slice(0, 10)
   *
   * @throws RangeError unless n is a whole number of at least 1; DotbiasError on a rank that has only some of the ratings
   */
  popularItems(n = 10): PopularItem[] {
    this.share?.refuse('popularItems');
    return popularItems(this.train, this.items, this.titles, n);
  }

  /**
   * From columns of equal length, split at random (`validPct`, `seed`) or by `trainIndex` and `validIndex`. A random split
   * keeps the rows of each part in the order given. The columns are copied.
   *
   * @throws DataError if the ratings cannot be used, RangeError for an option out of range, TypeError for one that does not
   *   exist or contradicts another
   */
  static fromArrays(given: RatingColumns, options: CollabDataOptions = {}): CollabData {
    checkOptions('CollabData', options, OPTIONS);
    const { seed = 42, name = 'ratings', titles, duplicates = 'keep' } = options;
    checkSeed(seed);
    if (options.batchSize !== undefined) checkWhole('batchSize', options.batchSize);
    checkChoice('duplicates', duplicates, DUPLICATES);
    checkColumns(given, name);

    const users = encode(given.users, 'user');
    const items = encode(given.items, 'item');
    const pairs = findPairs(users, items);
    const { columns, dropped } = mergeDuplicates(given, pairs, duplicates);
    const split = splitRows(pairs, dropped, seed, options);
    if (split.train.length === 0) {
      throw new DataError(`Nothing is left to train on: all ${split.valid.length} ratings are validation.`);
    }
    const trainUsers = renumber(users, split.train);
    const trainItems = renumber(items, split.train);
    const pick = (rows: Uint32Array): Ratings => ({
      users: gather(new Uint32Array(rows.length), trainUsers.indexOfRow, rows),
      items: gather(new Uint32Array(rows.length), trainItems.indexOfRow, rows),
      ratings: gather(new Float32Array(rows.length), columns.ratings, rows),
      ...(columns.timestamps && { timestamps: gather(new Float64Array(rows.length), columns.timestamps, rows) }),
    });
    const counts = countDuplicates(pairs, split.train, split.valid);
    const [train, valid] = [pick(split.train), pick(split.valid)];
    const ready = { users: trainUsers.map, items: trainItems.map, train, valid, duplicates: { ...counts, choice: duplicates } };
    return CollabData.fromEncoded(ready, { seed, name, titles, batchSize: options.batchSize });
  }

  /**
   * From ratings that are split and encoded already, which are not checked: such as `dotbias prepare` makes.
   *
   * @throws RangeError for a batch size out of range
   */
  static fromEncoded(
    { users, items, train, valid, duplicates: { choice, ...duplicates }, share, fingerprint }: EncodedRatings,
    { seed = 42, name = 'ratings', titles, batchSize: asked }: Pick<CollabDataOptions, 'seed' | 'name' | 'titles' | 'batchSize'> = {},
  ): CollabData {
    if (asked !== undefined) checkWhole('batchSize', asked);
    const most = share?.nTrain ?? train.ratings.length;
    const batchSize = asked ?? Math.min(USUAL_BATCH, most);
    if (batchSize > most) {
      throw new RangeError(
        `batchSize ${batchSize} is larger than the ${most} training ratings, so that an epoch would have no step; use at most ${most}.`,
      );
    }
    const notes = [...duplicateNotes(duplicates, choice), ...(asked === undefined ? batchNotes(batchSize, USUAL_BATCH) : [])];
    return new CollabData(name, users, items, train, valid, seed, batchSize, duplicates, notes, titles, share, fingerprint);
  }

  /**
   * From rows, each `[user, item, rating, timestamp?]` or `{ user, item, rating, timestamp? }`. For millions of ratings
   * `fromArrays` is much faster.
   *
   * @throws DataError if only some rows have a timestamp; otherwise as `fromArrays`
   */
  static fromRows(rows: Iterable<RatingRow>, options: CollabDataOptions = {}): CollabData {
    const users: Id[] = [];
    const items: Id[] = [];
    const ratings: number[] = [];
    const timestamps: (number | undefined)[] = [];
    for (const row of rows) {
      const [user, item, rating, timestamp] = isTuple(row) ? row : [row.user, row.item, row.rating, row.timestamp];
      users.push(user);
      items.push(item);
      ratings.push(rating);
      timestamps.push(timestamp);
    }
    const missing = timestamps.indexOf(undefined);
    if (missing !== -1 && timestamps.some((t) => t !== undefined)) {
      throw new DataError(`Row ${missing} has no timestamp, while other rows have one; give all rows a timestamp or none.`, {
        column: 'timestamp',
      });
    }
    return CollabData.fromArrays({ users, items, ratings, ...(missing === -1 && { timestamps: timestamps as number[] }) }, options);
  }

  /**
   * From two sets that are split already, such as u1.base and u1.test of MovieLens. `valid` may be empty. Timestamps are
   * kept if both sets have them.
   *
   * @throws TypeError for `validPct`, `trainIndex` or `validIndex`; otherwise as `fromArrays`
   */
  static fromSplit(train: RatingColumns, valid: RatingColumns, options: CollabDataOptions = {}): CollabData {
    if (options.validPct !== undefined || options.trainIndex !== undefined || options.validIndex !== undefined) {
      throw new TypeError('fromSplit: the data are split already, so leave out validPct, trainIndex and validIndex.');
    }
    checkColumns(train, 'train');
    if (valid.ratings.length > 0) checkColumns(valid, 'valid');
    const bothTimed = train.timestamps !== undefined && valid.timestamps !== undefined;
    const columns: RatingColumns = {
      users: concatenate(train.users, valid.users),
      items: concatenate(train.items, valid.items),
      ratings: concatenate(train.ratings, valid.ratings),
      ...(bothTimed && { timestamps: concatenate(train.timestamps!, valid.timestamps!) }),
    };
    const validIndex = new Uint32Array(valid.ratings.length).map((_, k) => train.ratings.length + k);
    return CollabData.fromArrays(columns, { ...options, validIndex });
  }
}

function isTuple(row: RatingRow): row is readonly [Id, Id, number, number?] {
  return Array.isArray(row);
}

// A loop: `from` with a function takes seconds for the columns of 10 million ratings.
function gather<T extends Uint32Array | Float32Array | Float64Array>(out: T, values: ArrayLike<number>, rows: Uint32Array): T {
  for (let k = 0; k < rows.length; k++) out[k] = values[rows[k]];
  return out;
}

function concatenate<T extends Id>(a: ArrayLike<T>, b: ArrayLike<T>): ArrayLike<T> {
  if (isNumeric(a) && isNumeric(b)) {
    const both = new Float64Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both as ArrayLike<number> as ArrayLike<T>;
  }
  return Array.from(a).concat(Array.from(b));
}

function isNumeric(column: ArrayLike<Id>): column is ArrayLike<number> & ArrayBufferView {
  return ArrayBuffer.isView(column);
}

/** The map of the ids that occur in `trainRows`, and the table index of every row, where its code was: 0 for all other ids. */
function renumber({ ids, codes }: Encoded, trainRows: Uint32Array): { map: IdMap; indexOfRow: Uint32Array } {
  const indexOfCode = new Uint32Array(ids.length);
  for (let k = 0; k < trainRows.length; k++) indexOfCode[codes[trainRows[k]]] = 1;
  const keep = (code: number) => indexOfCode[code] === 1;
  const map = new IdMap(ids instanceof Float64Array ? ids.filter((_, code) => keep(code)) : [NA, ...ids.filter((_, code) => keep(code))]);
  for (let code = 0, index = 1; code < ids.length; code++) if (keep(code)) indexOfCode[code] = index++;
  return { map, indexOfRow: gather(codes, indexOfCode, codes) };
}

/** @throws DataError unless the columns have one length, at least one row, and finite numbers */
export function checkColumns({ users, items, ratings, timestamps }: RatingColumns, name: string): void {
  const n = ratings.length;
  if (users.length !== n || items.length !== n || (timestamps !== undefined && timestamps.length !== n)) {
    const times = timestamps === undefined ? '' : `, ${timestamps.length} timestamps`;
    throw new DataError(`The columns of ${name} differ in length: ${users.length} users, ${items.length} items, ${n} ratings${times}.`);
  }
  if (n === 0) throw new DataError(`There are no ratings in ${name}.`);
  for (let row = 0; row < n; row++) {
    // Ratings are kept as float32, where anything from 3.5e38 is infinite.
    if (typeof ratings[row] !== 'number' || !Number.isFinite(Math.fround(ratings[row]))) {
      throw new DataError(`The rating in row ${row} is ${show(ratings[row])}, not a finite number.`, {
        column: 'rating',
        value: ratings[row],
      });
    }
  }
  for (let row = 0; timestamps !== undefined && row < n; row++) {
    if (!Number.isFinite(timestamps[row])) {
      throw new DataError(`The timestamp in row ${row} is ${show(timestamps[row])}, not a finite number.`, {
        column: 'timestamp',
        value: timestamps[row],
      });
    }
  }
}
