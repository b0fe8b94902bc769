import { columnMoments, ROWS_PER_PIECE } from '../../shaders/answer/column-moments.wgsl.js';
import { foldIn as foldInKernel } from '../../shaders/answer/fold-in.wgsl.js';
import { sigmoidRange } from '../../shaders/ops/range.js';
import type { Id } from '../data/collab-data.js';
import type { CollabModel } from './collab-model.js';
import type { EmbeddingTables } from '../model/tables.js';
import { dot, foldInReference, type FoldInSolution, type Prior, solve } from './solve-user.js';
import {
  checkCount,
  type Exclude,
  itemRows,
  named,
  namedItem,
  type Recommendation,
  type RecommendAllOptions,
  type TopLists,
  topLists,
} from './recommend.js';
import { readRows, rowOf, rowsOf, type UnknownIds } from '../model/rows.js';

/** A rating that a new user gives. */
export type GivenRating = readonly [item: Id, rating: number];

/** How ratings are weighed and read. */
export interface FoldInOptions {
  /**
   * How strongly the user is drawn to the mean of the trained users, against one rating; see `foldIn`. Default: 1/500 of
   * the squared width of `yRange` (chosen on MovieLens-100K), or 0.06 without a range, which suits ratings of one to five.
   */
  l2?: number;
  /** A rated item that training never saw: `'error'` (default) refuses it, `'skip'` leaves it out. */
  unknown?: 'error' | 'skip';
}

/** What a list for a folded-in user may leave out. */
export interface FoldedRecommendOptions {
  /** `'rated'` (default): the items of the ratings given. */
  exclude?: Exclude;
}

/** How much one given rating adds to the score of an item. */
export interface Contribution {
  item: Id;
  title?: string;
  /** The rating given. */
  rating: number;
  /** Its part of the item's raw score z; negative if it speaks against the item. */
  contribution: number;
}

/** The 10 in the objective of `foldIn`. */
const PSEUDO_COUNT = 10;

/**
 * Finds the vector and bias of a new user from a handful of ratings, the item tables as they are: no training.
 *
 * The x = (factors, bias) that minimises, for K ratings,
 *
 *     sum_k (range(q[k] . x + itemBias[k]) - rating[k])^2 + l2 sqrt(K + 10) sum_f ((x[f] - mean[f]) / sd[f])^2
 *
 * where q[k] is the rated item's factors followed by 1, and mean and sd are those of the trained users, column by column.
 * The first term is the training loss (`mse`). The second stands for training's decoupled weight decay, whose pull on a
 * row balances, under Adam, mean gradient / root mean square gradient of its ratings: the first grows with K and the
 * second with sqrt(K), hence an L2 term that grows with sqrt(K); the 10 keeps a few ratings from being taken at their word.
 * Solved on the host in float64; `foldInAll` solves many users at once on the device.
 *
 * @throws RangeError if there are no ratings, a rating is not finite or outside `yRange`, an item is unknown, or l2 is not positive
 */
export async function foldIn(model: CollabModel, ratings: Iterable<GivenRating>, options: FoldInOptions = {}): Promise<FoldedUser> {
  const l2 = strengthOf(model, options);
  const given = readGiven(model, ratings, options, '');
  const [prior, packed] = await Promise.all([
    priorOf(model.embeddings),
    readRows(
      model.embeddings,
      given.rows.map((row) => model.embeddings.shape.nUsers + row),
    ),
  ]);
  const { vectors, itemBias } = unpackItems(model.embeddings, packed);
  const solution = foldInReference({
    range: sigmoidRange(model.yRange),
    prior,
    l2: l2 * Math.sqrt(given.rows.length + PSEUDO_COUNT),
    rows: vectors,
    itemBias,
    ratings: given.ratings,
  });
  return new FoldedUser(model, given, vectors, prior, solution);
}

/** A new user, as `foldIn` found it. It belongs to the item tables of that moment: after more training, fold in again. */
export class FoldedUser {
  /** The user's vector, [nFactors]. */
  readonly factors: Float32Array;
  /** The user's bias; 0 in a model without biases. */
  readonly bias: number;

  /** @internal */
  constructor(
    private readonly model: CollabModel,
    private readonly given: Given,
    private readonly vectors: readonly Float64Array[],
    private readonly prior: Prior,
    private readonly solution: FoldInSolution,
  ) {
    const { nFactors, bias } = model.embeddings.shape;
    this.factors = Float32Array.from(solution.x.subarray(0, nFactors));
    this.bias = bias ? Math.fround(solution.x[nFactors]) : 0;
  }

  /** Predicted ratings of items. An unknown item is read as `#na#`, or refused with `unknown: 'error'`. */
  async predict(items: ArrayLike<Id>, { unknown = 'na' }: { unknown?: UnknownIds } = {}): Promise<Float32Array> {
    if (items.length === 0) return new Float32Array(0);
    const { vectors, itemBias } = await this.#items(rowsOf(this.model.info.items, items, 'item', unknown));
    const range = sigmoidRange(this.model.yRange);
    return Float32Array.from(vectors, (vector, k) => range.value(dot(vector, this.solution.x) + itemBias[k]));
  }

  /** The n items with the highest predicted rating, best first; see `recommend`. */
  async recommend(n = 10, { exclude = 'rated' }: FoldedRecommendOptions = {}): Promise<Recommendation[]> {
    checkCount(n);
    const {
      gpu,
      layout: { rowStride, biasColumn },
      shape,
    } = this.model.embeddings;
    const excluded = excludedOf(this.model, exclude, () => this.given.rows);
    const row = new Float32Array(rowStride);
    row.set(this.factors);
    if (shape.bias) row[biasColumn] = this.bias;
    const vectors = gpu.upload('folded user', row);
    try {
      return named(this.model, await topLists(this.model, n, { vectors, rows: [0], excluded }));
    } finally {
      gpu.release(vectors);
    }
  }

  /**
   * Why this item: the given ratings by how much each adds to its raw score, most first ("because you rated ...").
   *
   * At the minimum the score is a weighted sum over the given ratings k, exactly (up to rounding):
   *
   *     z(item) - z0(item) = sum_k c[k] w[k],   c[k] = slope[k] q(item) . H^-1 q[k],   H = Q' S^2 Q + l2 sqrt(K + 10) diag(1 / sd^2),
   *     w[k] = rating[k] - yHat[k] + slope[k] (z[k] - z0[k])
   *
   * z0 being the score that a user without ratings gets (x = mean) and slope = dyHat/dz. c[k] says how alike the two items
   * are to this user, w[k] how far the rating lies from what a user without ratings would give. These are the fixed
   * points of the Gauss-Newton step; compare Hu, Koren and Volinsky (2008), section 5.
   *
   * @param n the most contributions to return. Default: all
   * @throws RangeError for an item that training never saw, or if n is not a whole number of at least 1
   */
  async because(item: Id, n = this.given.rows.length): Promise<Contribution[]> {
    checkCount(n);
    const {
      model,
      given,
      prior: { sd },
      solution: { cholesky, slope, yHat, z, priorZ },
      vectors,
    } = this;
    const {
      vectors: [target],
    } = await this.#items([rowOf(model.info.items, item, 'item', 'error')]);
    const direction = solve(
      cholesky,
      target.map((q, f) => q * sd[f]),
    ).map((value, f) => value * sd[f]);
    return Array.from(given.rows)
      .map((row, k) => {
        const weight = given.ratings[k] - yHat[k] + slope[k] * (z[k] - priorZ[k]);
        return { ...namedItem(model, row), rating: given.ratings[k], contribution: slope[k] * dot(direction, vectors[k]) * weight };
      })
      .sort((a, b) => b.contribution - a.contribution)
      .slice(0, n);
  }

  async #items(rows: ArrayLike<number>) {
    const model = this.model.embeddings;
    return unpackItems(
      model,
      await readRows(
        model,
        Array.from(rows, (row) => model.shape.nUsers + row),
      ),
    );
  }
}

/** Ratings that one dispatch works through at most, unless a single user has more. */
const RATINGS_PER_DISPATCH = 2 ** 18;

/**
 * As `foldIn`, for many users at once, on the device in float32: the same numbers to about 1e-4.
 *
 * @param users each user's ratings
 * @throws RangeError as `foldIn`, naming the user by position
 */
export async function foldInAll(
  model: CollabModel,
  users: Iterable<Iterable<GivenRating>>,
  options: FoldInOptions = {},
): Promise<FoldedUsers> {
  const { gpu, shape, layout, param } = model.embeddings;
  const { nFactors, bias } = shape;
  const { rowStride, rowVecs, factorVecs, biasColumn } = layout;
  const l2 = strengthOf(model, options);
  const given = Array.from(users, (ratings, k) => readGiven(model, ratings, options, ` of user ${k}`));
  const factors = new Float32Array(given.length * nFactors);
  const biases = new Float32Array(given.length);
  const folded = new FoldedUsers(
    model,
    factors,
    biases,
    given.map(({ rows }) => rows),
  );
  if (given.length === 0) return folded;

  const [pipeline, prior] = await Promise.all([
    gpu.compile(foldInKernel(sigmoidRange(model.yRange), bias, factorVecs)),
    priorOf(model.embeddings),
  ]);
  const priorRows = new Float32Array(2 * rowStride);
  [prior.mean, prior.sd].forEach((values, i) => {
    priorRows.set(values.subarray(0, nFactors), i * rowStride);
    if (bias) priorRows[i * rowStride + biasColumn] = values[nFactors];
  });
  const [lo, hi] = model.yRange ?? [0, 1];
  const order = given.map((_, k) => k).sort((a, b) => given[a].rows.length - given[b].rows.length);
  for (let first = 0; first < order.length;) {
    const starts = [0];
    let last = first;
    do starts.push(starts.at(-1)! + given[order[last++]].rows.length);
    while (last < order.length && starts.at(-1)! + given[order[last]].rows.length <= RATINGS_PER_DISPATCH);
    const words = new Uint32Array(2 * starts.at(-1)!);
    const floats = new Float32Array(words.buffer);
    for (let k = first; k < last; k++) {
      const { rows, ratings } = given[order[k]];
      for (let j = 0; j < rows.length; j++) {
        const at = 2 * (starts[k - first] + j);
        words[at] = rows[j];
        floats[at + 1] = ratings[j];
      }
    }
    const nUsers = last - first;
    const buffers = {
      starts: gpu.upload('starts', Uint32Array.from(starts)),
      given: gpu.upload('given ratings', words),
      prior: gpu.upload('prior', priorRows),
      slopes: gpu.allocate('slopes', words.byteLength / 2),
      out: gpu.allocate('folded users', 4 * rowStride * nUsers),
    };
    const binding = pipeline.bind(
      { items: param, ...buffers },
      { nUsers, itemOffset: shape.nUsers * rowVecs, l2, pseudoCount: PSEUDO_COUNT, lo, hi },
    );
    try {
      gpu.record('fold in').dispatch(binding, nUsers).submit();
      const out = await gpu.readFloats(buffers.out, 0, nUsers * rowStride);
      for (let k = 0; k < nUsers; k++) {
        const user = order[first + k];
        factors.set(out.subarray(k * rowStride, k * rowStride + nFactors), user * nFactors);
        if (bias) biases[user] = out[k * rowStride + biasColumn];
      }
    } finally {
      binding.release();
      gpu.release(...Object.values(buffers));
    }
    first = last;
  }
  return folded;
}

/** New users, as `foldInAll` found them, in the order given. They belong to the item tables of that moment. */
export class FoldedUsers {
  /** @internal */
  constructor(
    private readonly model: CollabModel,
    /** Their vectors, row-major [nUsers, nFactors]. */
    readonly factors: Float32Array,
    /** Their biases, [nUsers]; zeros in a model without biases. */
    readonly biases: Float32Array,
    private readonly givenRows: readonly Uint32Array[],
  ) {}

  /** The n best items for each of them, [nUsers, n]; options as `recommendAll`, `'rated'` being the ratings given. */
  async recommend(
    n = 10,
    options: FoldedRecommendOptions & Pick<RecommendAllOptions, 'memoryBudget' | 'onProgress' | 'signal'> = {},
  ): Promise<TopLists> {
    checkCount(n);
    const {
      gpu,
      shape: { nFactors, bias },
      layout: { rowStride, biasColumn },
    } = this.model.embeddings;
    const nUsers = this.biases.length;
    const excluded = excludedOf(this.model, options.exclude ?? 'rated', (k) => this.givenRows[k]);
    const packed = new Float32Array(nUsers * rowStride);
    for (let k = 0; k < nUsers; k++) {
      packed.set(this.factors.subarray(k * nFactors, (k + 1) * nFactors), k * rowStride);
      if (bias) packed[k * rowStride + biasColumn] = this.biases[k];
    }
    const vectors = gpu.upload('folded users', packed);
    try {
      return await topLists(this.model, n, { ...options, vectors, rows: Uint32Array.from({ length: nUsers }, (_, k) => k), excluded });
    } finally {
      gpu.release(vectors);
    }
  }
}

/** Mean and standard deviation of each column over the trained users, `#na#` not among them. */
export async function priorOf({
  gpu,
  param,
  shape: { nUsers, nFactors, bias },
  layout: { rowStride, biasColumn },
}: EmbeddingTables): Promise<Prior> {
  const count = nUsers - 1;
  if (count === 0) throw new RangeError('The model has no trained users to learn from what users are like.');
  const nPieces = Math.ceil(count / ROWS_PER_PIECE);
  const pipeline = await gpu.compile(columnMoments);
  const moments = gpu.allocate('column moments', 8 * nPieces * rowStride);
  const binding = pipeline.bind({ param, moments }, { firstRow: 1, endRow: nUsers, rowStride, nPieces });
  try {
    gpu
      .record('column moments')
      .dispatch(binding, nPieces * rowStride)
      .submit();
    const pieces = await gpu.readFloats(moments, 0, 2 * nPieces * rowStride);
    const columns = Array.from({ length: nFactors + (bias ? 1 : 0) }, (_, f) => (f < nFactors ? f : biasColumn));
    const sizes = Array.from({ length: nPieces }, (_, piece) => Math.min(ROWS_PER_PIECE, count - piece * ROWS_PER_PIECE));
    const mean = Float64Array.from(
      columns,
      (column) => sizes.reduce((sum, size, piece) => sum + size * pieces[2 * (piece * rowStride + column)], 0) / count,
    );
    const sd = Float64Array.from(columns, (column, f) => {
      const squares = sizes.reduce((sum, size, piece) => {
        const at = 2 * (piece * rowStride + column);
        return sum + pieces[at + 1] + size * (pieces[at] - mean[f]) ** 2;
      }, 0);
      return Math.sqrt(squares / count);
    });
    return { mean, sd };
  } finally {
    binding.release();
    gpu.release(moments);
  }
}

/** Ratings of one user by item row. */
interface Given {
  rows: Uint32Array;
  ratings: Float64Array;
}

function readGiven(
  { info, yRange }: CollabModel,
  ratings: Iterable<GivenRating>,
  { unknown = 'error' }: FoldInOptions,
  whose: string,
): Given {
  const rows: number[] = [];
  const values: number[] = [];
  for (const [item, rating] of ratings) {
    if (typeof rating !== 'number' || !Number.isFinite(rating))
      throw new RangeError(`The rating${whose} of item ${JSON.stringify(item)} is ${String(rating)}, not a finite number.`);
    if (yRange !== null && (rating < yRange[0] || rating > yRange[1])) {
      throw new RangeError(
        `The rating${whose} of item ${JSON.stringify(item)} is ${rating}, outside the model's range of ${yRange[0]} to ${yRange[1]}.`,
      );
    }
    const row = rowOf(info.items, item, 'item', unknown === 'error' ? 'error' : 'na');
    if (row === 0) continue;
    rows.push(row);
    values.push(rating);
  }
  if (rows.length === 0) throw new RangeError(`There are no ratings${whose} to fold in: give at least one, of an item that training saw.`);
  return { rows: Uint32Array.from(rows), ratings: Float64Array.from(values) };
}

function strengthOf({ yRange }: CollabModel, { l2 }: FoldInOptions): number {
  const value = l2 ?? (yRange === null ? 0.06 : (yRange[1] - yRange[0]) ** 2 / 500);
  if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`l2 must be a positive number, not ${String(value)}.`);
  return value;
}

function excludedOf({ info }: CollabModel, exclude: Exclude, given: (k: number) => Uint32Array): (k: number) => Uint32Array {
  if (exclude === 'rated') return (k) => given(k).slice().sort();
  const list = exclude === 'none' ? new Uint32Array(0) : itemRows(info.items, exclude);
  return () => list;
}

/** Item rows as the vectors that a user's vector is multiplied with (factors, then 1 with biases), and their biases. */
function unpackItems({ shape: { nFactors, bias }, layout: { rowStride, biasColumn } }: EmbeddingTables, packed: Float32Array) {
  const count = packed.length / rowStride;
  const itemBias = new Float64Array(count);
  const vectors = Array.from({ length: count }, (_, k) => {
    const vector = new Float64Array(nFactors + (bias ? 1 : 0)).fill(1);
    vector.set(packed.subarray(k * rowStride, k * rowStride + nFactors));
    if (bias) itemBias[k] = packed[k * rowStride + biasColumn];
    return vector;
  });
  return { vectors, itemBias };
}
