import type { Id } from '../data/collab-data.js';
import type { CollabModel } from './collab-model.js';
import { checkCount, namedItem } from './recommend.js';
import { readRows, readSide, rowOf, rowsOf } from '../model/rows.js';

/** cosine: u . v / (|u| |v|), 0 if either is zero. dot: u . v, which also favours long vectors: items that divide tastes. */
export type Similarity = 'cosine' | 'dot';

/** How alikeness is measured. */
export interface SimilarOptions {
  /** Default `'cosine'`. */
  metric?: Similarity;
}

/** An item and how alike it is. */
export interface SimilarItem {
  item: Id;
  title?: string;
  similarity: number;
}

/** A user and how alike they are. */
export interface SimilarUser {
  user: Id;
  similarity: number;
}

/** An item and its bias. */
export interface ItemBias {
  item: Id;
  title?: string;
  bias: number;
}

/** A user and their bias. */
export interface UserBias {
  user: Id;
  bias: number;
}

/**
 * The n items whose vectors are most alike to that of `item`, itself and `#na#` left out, best first; equal ones by table
 * row. Biases play no part: alike is who likes it, not how much it is liked.
 *
 * @throws RangeError for an item that training never saw, or if n is not a whole number of at least 1
 */
export async function similarItems(model: CollabModel, item: Id, n = 10, options: SimilarOptions = {}): Promise<SimilarItem[]> {
  const row = rowOf(model.info.items, item, 'item', 'error');
  return (await mostAlike(model, 'item', row, n, options)).map(([each, similarity]) => ({ ...namedItem(model, each), similarity }));
}

/** As `similarItems`, for users. */
export async function similarUsers(model: CollabModel, user: Id, n = 10, options: SimilarOptions = {}): Promise<SimilarUser[]> {
  const row = rowOf(model.info.users, user, 'user', 'error');
  return (await mostAlike(model, 'user', row, n, options)).map(([each, similarity]) => ({ user: model.info.users.idOf(each), similarity }));
}

/**
 * All items by their bias, highest first: what people like, or dislike, beyond what their taste explains.
 *
 * @throws TypeError in a model without biases
 */
export async function itemBias(model: CollabModel): Promise<ItemBias[]> {
  return (await byBias(model, 'item')).map(([row, value]) => ({ ...namedItem(model, row), bias: value }));
}

/** All users by their bias, the most generous first. @throws TypeError in a model without biases */
export async function userBias(model: CollabModel): Promise<UserBias[]> {
  return (await byBias(model, 'user')).map(([row, value]) => ({ user: model.info.users.idOf(row), bias: value }));
}

/** Whose table rows `weight` and `bias` read. */
export interface SideOptions {
  /** True (default): items; false: users. */
  isItem?: boolean;
}

/** Vectors of items, or of users: one of length nFactors for each id. fastai's `weight`. @throws RangeError for an unknown id */
export async function weight(model: CollabModel, ids: ArrayLike<Id>, { isItem = true }: SideOptions = {}): Promise<Float32Array[]> {
  const {
    shape: { nFactors },
    layout: { rowStride },
  } = model.embeddings;
  const packed = await rowsById(model, ids, isItem);
  return Array.from(ids, (_, k) => packed.slice(k * rowStride, k * rowStride + nFactors));
}

/** Biases of items, or of users. fastai's `bias`. @throws RangeError for an unknown id, TypeError in a model without biases */
export async function bias(model: CollabModel, ids: ArrayLike<Id>, { isItem = true }: SideOptions = {}): Promise<Float32Array> {
  checkBiases(model);
  const {
    layout: { rowStride, biasColumn },
  } = model.embeddings;
  const packed = await rowsById(model, ids, isItem);
  return Float32Array.from(ids, (_, k) => packed[k * rowStride + biasColumn]);
}

async function rowsById(model: CollabModel, ids: ArrayLike<Id>, isItem: boolean): Promise<Float32Array> {
  if (!Array.isArray(ids) && !ArrayBuffer.isView(ids)) throw new TypeError(`Give the ids as an array, not ${JSON.stringify(ids)}.`);
  const rows = isItem
    ? rowsOf(model.info.items, ids, 'item', 'error').map((row) => row + model.embeddings.shape.nUsers)
    : rowsOf(model.info.users, ids, 'user', 'error');
  return rows.length === 0 ? new Float32Array(0) : readRows(model.embeddings, rows);
}

type Ranked = [row: number, score: number];

async function mostAlike(
  model: CollabModel,
  side: 'user' | 'item',
  row: number,
  n: number,
  { metric = 'cosine' }: SimilarOptions,
): Promise<Ranked[]> {
  checkCount(n);
  if (metric !== 'cosine' && metric !== 'dot') throw new RangeError(`metric must be 'cosine' or 'dot', not ${JSON.stringify(metric)}.`);
  const { factors } = await readSide(model.embeddings, side);
  const { nFactors } = model.embeddings.shape;
  const product = (a: number, b: number) => {
    let sum = 0;
    for (let f = 0; f < nFactors; f++) sum += factors[a * nFactors + f] * factors[b * nFactors + f];
    return sum;
  };
  const length = Math.sqrt(product(row, row));
  const ranked: Ranked[] = [];
  for (let other = 1; other < factors.length / nFactors; other++) {
    if (other === row) continue;
    const scale = metric === 'cosine' ? length * Math.sqrt(product(other, other)) : 1;
    ranked.push([other, scale === 0 ? 0 : product(row, other) / scale]);
  }
  return byScore(ranked).slice(0, n);
}

async function byBias(model: CollabModel, side: 'user' | 'item'): Promise<Ranked[]> {
  checkBiases(model);
  const { biases } = await readSide(model.embeddings, side);
  return byScore(Array.from(biases, (value, row): Ranked => [row, value]).slice(1));
}

const byScore = (ranked: Ranked[]): Ranked[] => ranked.sort((a, b) => b[1] - a[1] || a[0] - b[0]);

function checkBiases({ embeddings: model }: CollabModel): void {
  if (!model.shape.bias) throw new TypeError('This model has no biases: it was made with bias: false.');
}
