import { checkChoice, checkOptions, checkWhole } from '../base/check.js';
import type { Id } from '../data/ids.js';
import type { Rows } from '../model/layout.js';
import { bestRows } from './best-rows.js';
import { readRows, readSide, rowOf, rowsOf } from '../model/rows.js';
import { namedItem, type TrainedModel } from './trained-model.js';

/** cosine: u . v / (|u| |v|), 0 if either is zero. dot: u . v, which also favours long vectors: items that divide tastes. */
export type Similarity = 'cosine' | 'dot';

/** How similarity is measured. */
export interface SimilarOptions {
  /** Default `'cosine'`. */
  metric?: Similarity | undefined;
}

/** An item and its similarity. */
export interface SimilarItem {
  item: Id;
  title?: string | undefined;
  similarity: number;
}

/** A user and their similarity. */
export interface SimilarUser {
  user: Id;
  similarity: number;
}

/** An item and its bias. */
export interface ItemBias {
  item: Id;
  title?: string | undefined;
  bias: number;
}

/** A user and their bias. */
export interface UserBias {
  user: Id;
  bias: number;
}

/**
 * The n items whose vectors are most similar to that of `item`, itself and `#na#` left out, best first; equal ones by table
 * row. Biases play no part: items are similar if the same people like them, not if they are liked equally well.
 *
 * @throws RangeError for an item that training never saw, or if n is not a whole number of at least 1
 */
export async function similarItems(model: TrainedModel, item: Id, n = 10, options: SimilarOptions = {}): Promise<SimilarItem[]> {
  const row = rowOf(model.info.items, item, 'item', 'error');
  return namedSimilar(model, await mostSimilar(model, 'items', row, n, options));
}

/** Rows with ids and titles. */
export const namedSimilar = (model: TrainedModel, ranked: readonly Ranked[]): SimilarItem[] =>
  ranked.map(([row, similarity]) => ({ ...namedItem(model, row), similarity }));

/** As `similarItems`, for users. */
export async function similarUsers(model: TrainedModel, user: Id, n = 10, options: SimilarOptions = {}): Promise<SimilarUser[]> {
  const row = rowOf(model.info.users, user, 'user', 'error');
  return (await mostSimilar(model, 'users', row, n, options)).map(([each, similarity]) => ({
    user: model.info.users.idOf(each),
    similarity,
  }));
}

/**
 * All items by their bias, highest first: what people like, or dislike, beyond what their taste explains.
 *
 * @throws TypeError in a model without biases
 */
export async function itemBias(model: TrainedModel): Promise<ItemBias[]> {
  return (await byBias(model, 'items')).map(([row, value]) => ({ ...namedItem(model, row), bias: value }));
}

/** All users by their bias, the most generous first. @throws TypeError in a model without biases */
export async function userBias(model: TrainedModel): Promise<UserBias[]> {
  return (await byBias(model, 'users')).map(([row, value]) => ({ user: model.info.users.idOf(row), bias: value }));
}

/** Whose table rows `vectors` and `biases` read. */
export interface SideOptions {
  /** True (default): items; false: users. */
  isItem?: boolean | undefined;
}

/**
 * Vectors of items, or of users: one for each id, [nFactors]. fastai calls this `weight`.
 * @throws RangeError for an id that training never saw
 */
export async function vectors(model: TrainedModel, ids: ArrayLike<Id>, options: SideOptions = {}): Promise<Float32Array[]> {
  const { nFactors } = model.embeddings.shape;
  const { factors } = await rowsById(model, ids, options);
  return Array.from(ids, (_, k) => factors.slice(k * nFactors, (k + 1) * nFactors));
}

/**
 * Biases of items, or of users, [ids.length]. fastai calls this `bias`.
 * @throws RangeError for an id that training never saw, TypeError in a model without biases
 */
export async function biases(model: TrainedModel, ids: ArrayLike<Id>, options: SideOptions = {}): Promise<Float32Array> {
  checkBiases(model);
  return (await rowsById(model, ids, options)).biases;
}

async function rowsById({ embeddings, info }: TrainedModel, ids: ArrayLike<Id>, options: SideOptions): Promise<Rows> {
  checkOptions('vectors and biases', options, ['isItem']);
  const { isItem = true } = options;
  const rows = rowsOf(isItem ? info.items : info.users, ids, isItem ? 'item' : 'user', 'error');
  return embeddings.layout.unpackRows(await readRows(embeddings, isItem ? embeddings.items : embeddings.users, rows));
}

type Ranked = [row: number, score: number];

async function mostSimilar(
  model: TrainedModel,
  side: 'users' | 'items',
  row: number,
  n: number,
  options: SimilarOptions,
): Promise<Ranked[]> {
  const metric = checkSimilar(n, options);
  return similarRows(withLengths(await readSide(model.embeddings, side)), row, n, metric);
}

/** Vectors [nRows, nFactors], and the length of each. */
export interface VectorTable {
  readonly factors: Float32Array;
  readonly lengths: Float64Array;
}

/** A table with the lengths of its vectors. */
export function withLengths(rows: Rows): VectorTable {
  const { factors } = rows;
  const lengths = new Float64Array(rows.biases.length);
  for (let row = 0; row < lengths.length; row++) lengths[row] = Math.sqrt(product(factors, factors.length / lengths.length, row, row));
  return { factors, lengths };
}

function product(factors: Float32Array, nFactors: number, a: number, b: number): number {
  let sum = 0;
  for (let f = 0; f < nFactors; f++) sum += factors[a * nFactors + f] * factors[b * nFactors + f];
  return sum;
}

/** The metric asked for. @throws RangeError for a metric that there is not, or if n is not a whole number of at least 1 */
export function checkSimilar(n: number, options: SimilarOptions): Similarity {
  checkOptions('similarItems and similarUsers', options, ['metric']);
  const { metric = 'cosine' } = options;
  checkWhole('n', n);
  checkChoice('metric', metric, ['cosine', 'dot']);
  return metric;
}

/** The n rows of a table that are most similar to one of them, itself and row 0 left out. */
export function similarRows({ factors, lengths }: VectorTable, row: number, n: number, metric: Similarity): Ranked[] {
  const scores = new Float64Array(lengths.length).fill(-Infinity);
  for (let other = 1; other < scores.length; other++) {
    if (other === row) continue;
    const scale = metric === 'cosine' ? lengths[row] * lengths[other] : 1;
    scores[other] = scale === 0 ? 0 : product(factors, factors.length / lengths.length, row, other) / scale;
  }
  return bestRows(scores, n).map((other) => [other, scores[other]]);
}

async function byBias(model: TrainedModel, side: 'users' | 'items'): Promise<Ranked[]> {
  checkBiases(model);
  const rows = await readSide(model.embeddings, side);
  return byScore(Array.from(rows.biases, (value, row): Ranked => [row, value]).slice(1));
}

const byScore = (ranked: Ranked[]): Ranked[] => ranked.sort((a, b) => b[1] - a[1] || a[0] - b[0]);

/** @throws TypeError in a model without biases */
export function checkBiases({ embeddings: model }: TrainedModel): void {
  if (!model.shape.hasBias) throw new TypeError('This model has no biases: it was made with bias: false.');
}
