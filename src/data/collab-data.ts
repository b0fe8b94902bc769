import { DataError } from '../base/errors.js';
import { encode, type Encoded, type Id, IdMap, NA, show, titleOf } from './ids.js';
import { permutationKey, permute, STREAM } from '../base/random.js';

export { type Id, IdMap, NA } from './ids.js';

/** Parallel columns of ratings with the outside world's ids. Typed arrays are the fast way in. */
export interface RatingColumns {
  users: ArrayLike<Id>;
  items: ArrayLike<Id>;
  ratings: ArrayLike<number>;
  /** Any unit; kept, not used by training. */
  timestamps?: ArrayLike<number>;
}

/** Ratings by dense index, the row of the embedding tables; 0 is `#na#`. */
export interface Ratings {
  users: Uint32Array;
  items: Uint32Array;
  ratings: Float32Array;
  timestamps?: Float64Array;
}

/** One rating as a row, for `CollabData.fromRows`. */
export type RatingRow =
  | readonly [user: Id, item: Id, rating: number, timestamp?: number]
  | { user: Id; item: Id; rating: number; timestamp?: number };

/** How ratings are split and batched; all optional. */
export interface CollabDataOptions {
  /** Share of the rows kept for validation, in [0, 1): `floor(validPct * n)` rows chosen by `seed`. Default 0.2. */
  validPct?: number;
  /** Integer in [0, 2^32). Decides the split, and later the starting values and the order of each epoch. Default 42. */
  seed?: number;
  /** Rows to train on, in this order, instead of a random split. Default with `validIndex` alone: all other rows. */
  trainIndex?: ArrayLike<number>;
  /** Rows to validate on, in this order. Default with `trainIndex` alone: all other rows. */
  validIndex?: ArrayLike<number>;
  /** Ratings per training step, from 1 to the number of training rows. Default 64. */
  batchSize?: number;
  /** For messages and tables. Default 'ratings'. */
  name?: string;
  /** Item titles by item id. */
  titles?: ReadonlyMap<Id, string>;
  /**
   * Several ratings of one item by one user: 'keep' trains on each, as fastai does (default); 'last' keeps the last row
   * in the order given; 'error' refuses them. Applied before a random split, so that with 'last' no pair is on both sides.
   */
  duplicates?: 'keep' | 'last' | 'error';
}

/**
 * Ratings ready for training: split into training and validation, and encoded as fastai does it. Table rows are numbered
 * from the training rows only; ids that occur in validation alone get row 0, `#na#`. A column that mixes numbers and
 * strings is read as strings.
 */
export class CollabData {
  private constructor(
    readonly name: string,
    readonly users: IdMap,
    readonly items: IdMap,
    readonly train: Ratings,
    readonly valid: Ratings,
    readonly seed: number,
    readonly batchSize: number,
    readonly titles?: ReadonlyMap<Id, string>,
  ) {}

  /** Rows of the user tables, `#na#` included. */
  get nUsers(): number {
    return this.users.size;
  }

  /** Rows of the item tables, `#na#` included. */
  get nItems(): number {
    return this.items.size;
  }

  get nTrain(): number {
    return this.train.ratings.length;
  }

  get nValid(): number {
    return this.valid.ratings.length;
  }

  /** Title of an item by id (196 and '196' alike), if titles are known. */
  titleOf(item: Id): string | undefined {
    return titleOf(this.titles, item);
  }

  /**
   * From parallel columns, split at random (`validPct`, `seed`) or by `trainIndex` and `validIndex`. A random split keeps
   * the given order of rows within each part. The columns are copied.
   *
   * @throws DataError if the ratings cannot be used, RangeError or TypeError if an option is wrong
   */
  static fromArrays(columns: RatingColumns, options: CollabDataOptions = {}): CollabData {
    const { seed = 42, batchSize = 64, name = 'ratings', titles, duplicates = 'keep' } = options;
    checkSeed(seed);
    checkBatchSize(batchSize);
    checkDuplicates(duplicates);
    checkColumns(columns, name);

    const users = encode(columns.users, 'user');
    const items = encode(columns.items, 'item');
    const dropped = duplicates === 'keep' ? new Uint8Array(columns.ratings.length) : findDuplicates(users, items, duplicates);
    const split = splitRows(columns.ratings.length, dropped, seed, options);
    if (split.train.length === 0) {
      throw new DataError(`Nothing is left to train on: all ${split.valid.length} ratings are validation.`);
    }
    if (batchSize > split.train.length) {
      throw new RangeError(
        `batchSize ${batchSize} is larger than the ${split.train.length} training ratings, so that an epoch would have no step; use at most ${split.train.length}.`,
      );
    }
    const trainUsers = renumber(users, split.train);
    const trainItems = renumber(items, split.train);
    const pick = (rows: Uint32Array): Ratings => ({
      users: gather(new Uint32Array(rows.length), trainUsers.indexOfRow, rows),
      items: gather(new Uint32Array(rows.length), trainItems.indexOfRow, rows),
      ratings: gather(new Float32Array(rows.length), columns.ratings, rows),
      ...(columns.timestamps && { timestamps: gather(new Float64Array(rows.length), columns.timestamps, rows) }),
    });
    return new CollabData(name, trainUsers.map, trainItems.map, pick(split.train), pick(split.valid), seed, batchSize, titles);
  }

  /** From rows, each `[user, item, rating, timestamp?]` or `{ user, item, rating, timestamp? }`. For millions use `fromArrays`. */
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

  /** From two sets that are already split, such as MovieLens' u1.base and u1.test. `validPct` and indices are refused. */
  static fromSplit(train: RatingColumns, valid: RatingColumns, options: CollabDataOptions = {}): CollabData {
    if (options.validPct !== undefined || options.trainIndex !== undefined || options.validIndex !== undefined) {
      throw new TypeError('fromSplit: the data are split already, so validPct, trainIndex and validIndex have no meaning; leave them out.');
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

/** Row numbers of the two parts. */
export interface Split {
  train: Uint32Array;
  valid: Uint32Array;
}

/**
 * The random split that `CollabData` makes of n rows: the first `floor(validPct * n)` rows of a permutation keyed by the
 * seed are validation. Both parts are in ascending order.
 */
export function randomSplit(n: number, validPct = 0.2, seed = 42): Split {
  if (!(validPct >= 0 && validPct < 1)) {
    throw new RangeError(`validPct must be in [0, 1), not ${show(validPct)}; 0.2 keeps a fifth of the ratings for validation.`);
  }
  const nValid = Math.floor(validPct * n);
  const key = permutationKey(seed, STREAM.SPLIT);
  const isValid = new Uint8Array(n);
  for (let i = 0; i < nValid; i++) isValid[permute(n, key, i)] = 1;
  const train = new Uint32Array(n - nValid);
  const valid = new Uint32Array(nValid);
  for (let row = 0, nextTrain = 0, nextValid = 0; row < n; row++) {
    if (isValid[row] === 1) valid[nextValid++] = row;
    else train[nextTrain++] = row;
  }
  return { train, valid };
}

function isTuple(row: RatingRow): row is readonly [Id, Id, number, number?] {
  return Array.isArray(row);
}

// Loops, here and below: `from` with a function takes seconds on the columns of 10 million ratings.

function gather<T extends Uint32Array | Float32Array | Float64Array>(out: T, values: ArrayLike<number>, rows: Uint32Array): T {
  for (let k = 0; k < rows.length; k++) out[k] = values[rows[k]];
  return out;
}

/** The rows with mark 0, in order. */
function unmarked(marks: Uint8Array): Uint32Array {
  const rows = new Uint32Array(marks.length);
  let count = 0;
  for (let row = 0; row < marks.length; row++) {
    if (marks[row] === 0) rows[count++] = row;
  }
  return rows.subarray(0, count);
}

function concatenate<T extends Id>(a: ArrayLike<T>, b: ArrayLike<T>): ArrayLike<T> {
  if (isNumeric(a) && isNumeric(b)) {
    const both = new Float64Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both as ArrayLike<number> as ArrayLike<T>;
  }
  return [...Array.from(a), ...Array.from(b)];
}

function isNumeric(column: ArrayLike<Id>): column is ArrayLike<number> & ArrayBufferView {
  return ArrayBuffer.isView(column);
}

/** The map of the ids that occur in `trainRows`, and the table index of every row: 0 for all other ids. */
function renumber({ ids, codes }: Encoded, trainRows: Uint32Array): { map: IdMap; indexOfRow: Uint32Array } {
  const indexOfCode = new Uint32Array(ids.length);
  for (let k = 0; k < trainRows.length; k++) indexOfCode[codes[trainRows[k]]] = 1;
  const kept: Id[] = [NA];
  for (let code = 0; code < ids.length; code++) {
    if (indexOfCode[code] === 1) indexOfCode[code] = kept.push(ids[code]) - 1;
  }
  return { map: new IdMap(kept), indexOfRow: gather(new Uint32Array(codes.length), indexOfCode, codes) };
}

/** Marks each row that a later row of the same user and item replaces. Rows are visited user by user, with one slot per item. */
function findDuplicates(users: Encoded, items: Encoded, duplicates: 'last' | 'error'): Uint8Array {
  const n = users.codes.length;
  const start = new Uint32Array(users.ids.length + 1);
  for (let row = 0; row < n; row++) start[users.codes[row] + 1]++;
  for (let user = 1; user < start.length; user++) start[user] += start[user - 1];
  const next = start.slice();
  const byUser = new Uint32Array(n);
  for (let row = 0; row < n; row++) byUser[next[users.codes[row]]++] = row;

  const dropped = new Uint8Array(n);
  const rowOfItem = new Uint32Array(items.ids.length);
  const userOfItem = new Uint32Array(items.ids.length).fill(users.ids.length);
  for (const row of byUser) {
    const user = users.codes[row];
    const item = items.codes[row];
    if (userOfItem[item] === user) {
      if (duplicates === 'error') {
        throw new DataError(
          `User ${show(users.ids[user])} rates item ${show(items.ids[item])} twice, in rows ${rowOfItem[item]} and ${row}; remove one, or pass duplicates: 'last' or 'keep'.`,
        );
      }
      dropped[rowOfItem[item]] = 1;
    }
    userOfItem[item] = user;
    rowOfItem[item] = row;
  }
  return dropped;
}

function splitRows(n: number, dropped: Uint8Array, seed: number, options: CollabDataOptions): Split {
  const { validPct, trainIndex, validIndex } = options;
  if (trainIndex === undefined && validIndex === undefined) {
    const rows = unmarked(dropped);
    const { train, valid } = randomSplit(rows.length, validPct, seed);
    return { train: gather(train, rows, train), valid: gather(valid, rows, valid) };
  }
  if (validPct !== undefined) {
    throw new TypeError('Give either validPct (a random split) or trainIndex and validIndex (a given split), not both.');
  }
  const isTrain = trainIndex && markRows(n, trainIndex, 'trainIndex');
  const isValid = validIndex && markRows(n, validIndex, 'validIndex');
  if (isTrain && isValid) {
    const both = isTrain.findIndex((each, row) => each === 1 && isValid[row] === 1);
    if (both !== -1) throw new RangeError(`Row ${both} is in trainIndex and in validIndex; a row can be in one of them only.`);
  }
  const train = trainIndex ? Uint32Array.from(trainIndex) : unmarked(isValid!);
  const valid = validIndex ? Uint32Array.from(validIndex) : unmarked(isTrain!);
  const kept = (row: number): boolean => dropped[row] === 0;
  return { train: train.filter(kept), valid: valid.filter(kept) };
}

function markRows(n: number, rows: ArrayLike<number>, option: string): Uint8Array {
  const marked = new Uint8Array(n);
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k];
    if (!Number.isInteger(row) || row < 0 || row >= n) {
      throw new RangeError(`${option}[${k}] is ${show(row)}, not a row from 0 to ${n - 1}.`);
    }
    if (marked[row] === 1) throw new RangeError(`${option}[${k}] names row ${row} a second time.`);
    marked[row] = 1;
  }
  return marked;
}

function checkSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new RangeError(`seed must be an integer from 0 to 4294967295, not ${show(seed)}.`);
  }
}

function checkBatchSize(batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize must be a positive integer, not ${show(batchSize)}.`);
  }
}

function checkDuplicates(duplicates: string): void {
  if (!['keep', 'last', 'error'].includes(duplicates)) {
    throw new RangeError(`duplicates must be 'keep', 'last' or 'error', not ${show(duplicates)}.`);
  }
}

function checkColumns({ users, items, ratings, timestamps }: RatingColumns, name: string): void {
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
