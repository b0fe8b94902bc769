import { sigmoidRange } from '../../shaders/ops/range.js';
import { predict } from '../../shaders/answer/predict.wgsl.js';
import { RATING_SIZE } from '../../shaders/ops/structs.js';
import type { Id, IdMap, Ratings } from '../data/collab-data.js';
import { type FoldedUser, type FoldedUsers, foldIn, foldInAll, type FoldInOptions, type GivenRating } from './fold-in.js';
import type { Gpu } from '../gpu/gpu.js';
import { titleOf } from '../data/ids.js';
import type { EmbeddingTables, Tables } from '../model/tables.js';
import {
  recommend,
  recommendAll,
  type Recommendation,
  type RecommendAllOptions,
  type Recommendations,
  type RecommendOptions,
} from './recommend.js';
import { rowsOf, type UnknownIds } from '../model/rows.js';
import * as similar from './similar.js';

/** What a trained model knows beside its tables. */
export interface ModelInfo {
  readonly users: IdMap;
  readonly items: IdMap;
  readonly yRange: readonly [lo: number, hi: number] | null;
  /** Item titles by item id. */
  readonly titles?: ReadonlyMap<Id, string>;
  /** What was rated in training, to be left out of recommendations. Never changed. */
  readonly train?: Ratings;
}

/** Pairs predicted by one dispatch. */
const PAIRS_PER_DISPATCH = 1 << 20;

/** A trained model that answers: predictions, vectors and biases, by the ids of the outside world. */
export class CollabModel {
  constructor(
    readonly embeddings: EmbeddingTables,
    readonly info: ModelInfo,
  ) {}

  get gpu(): Gpu {
    return this.embeddings.gpu;
  }

  get yRange(): readonly [lo: number, hi: number] | null {
    return this.info.yRange;
  }

  /**
   * Predicted ratings of pairs, users[k] with items[k], in any number. An id that training never saw is read as fastai's
   * `#na#` row (whose vector and bias are near zero), or refused with `unknown: 'error'`.
   *
   * @throws RangeError if the lengths differ, or for an unknown id with `unknown: 'error'`
   */
  async predict(users: ArrayLike<Id>, items: ArrayLike<Id>, { unknown = 'na' }: { unknown?: UnknownIds } = {}): Promise<Float32Array> {
    if (users.length !== items.length)
      throw new RangeError(`predict needs as many users as items, not ${users.length} and ${items.length}.`);
    return this.predictRows(rowsOf(this.info.users, users, 'user', unknown), rowsOf(this.info.items, items, 'item', unknown));
  }

  /** As `predict`, by table rows. */
  async predictRows(users: ArrayLike<number>, items: ArrayLike<number>): Promise<Float32Array> {
    const {
      gpu,
      layout: { factorVecs, rowVecs },
      shape: { nUsers, bias },
    } = this.embeddings;
    const pipeline = await gpu.compile(predict(sigmoidRange(this.yRange), bias));
    const chunk = Math.min(users.length, PAIRS_PER_DISPATCH);
    const ratings = gpu.allocate('pairs', 4 * RATING_SIZE * chunk);
    const yHat = gpu.allocate('yHat', 4 * chunk);
    const [lo, hi] = this.yRange ?? [0, 1];
    const binding = pipeline.bind({ ratings, param: this.embeddings.param, yHat }, { factorVecs, rowVecs, lo, hi });
    const all = new Float32Array(users.length);
    const words = new Uint32Array(RATING_SIZE * chunk);
    try {
      for (let first = 0; first < users.length; first += chunk) {
        const nPairs = Math.min(chunk, users.length - first);
        for (let k = 0; k < nPairs; k++) {
          words[RATING_SIZE * k] = users[first + k];
          words[RATING_SIZE * k + 1] = nUsers + items[first + k];
        }
        gpu.write(ratings, words.subarray(0, RATING_SIZE * nPairs));
        gpu.record('predict').dispatch(binding, nPairs, { nPairs }).submit();
        all.set(await gpu.readFloats(yHat, 0, nPairs), first);
      }
    } finally {
      binding.release();
      gpu.release(ratings, yHat);
    }
    return all;
  }

  /** The n items with the highest predicted rating for a user; see `recommend`. */
  recommend(user: Id, n?: number, options?: RecommendOptions): Promise<Recommendation[]> {
    return recommend(this, user, n, options);
  }

  /** As `recommend`, for many users at once, by table rows; see `recommendAll`. */
  recommendAll(n?: number, options?: RecommendAllOptions): Promise<Recommendations> {
    return recommendAll(this, n, options);
  }

  /** A new user's vector and bias from a handful of ratings, without training; see `foldIn`. */
  foldIn(ratings: Iterable<GivenRating>, options?: FoldInOptions): Promise<FoldedUser> {
    return foldIn(this, ratings, options);
  }

  /** As `foldIn`, for many users at once on the device; see `foldInAll`. */
  foldInAll(users: Iterable<Iterable<GivenRating>>, options?: FoldInOptions): Promise<FoldedUsers> {
    return foldInAll(this, users, options);
  }

  /** The n items most alike to an item; see `similarItems`. */
  similarItems(item: Id, n?: number, options?: similar.SimilarOptions): Promise<similar.SimilarItem[]> {
    return similar.similarItems(this, item, n, options);
  }

  /** The n users most alike to a user; see `similarUsers`. */
  similarUsers(user: Id, n?: number, options?: similar.SimilarOptions): Promise<similar.SimilarUser[]> {
    return similar.similarUsers(this, user, n, options);
  }

  /** All items by their bias, highest first: what is liked or disliked beyond what taste explains. */
  itemBias(): Promise<similar.ItemBias[]> {
    return similar.itemBias(this);
  }

  /** All users by their bias, the most generous first. */
  userBias(): Promise<similar.UserBias[]> {
    return similar.userBias(this);
  }

  /** Vectors of items, or of users with `isItem: false`; RangeError for an id that training never saw. */
  weight(ids: ArrayLike<Id>, options?: similar.SideOptions): Promise<Float32Array[]> {
    return similar.weight(this, ids, options);
  }

  /** Biases of items, or of users with `isItem: false`; RangeError for an id that training never saw. */
  bias(ids: ArrayLike<Id>, options?: similar.SideOptions): Promise<Float32Array> {
    return similar.bias(this, ids, options);
  }

  /** The embedding tables, read back from the device. */
  tables(): Promise<Tables> {
    return this.embeddings.readTables();
  }

  /** Title of an item, if titles are known. */
  titleOf(item: Id): string | undefined {
    return titleOf(this.info.titles, item);
  }

  /** Frees the model's buffers; the device stays. */
  release(): void {
    this.embeddings.release();
  }
}
