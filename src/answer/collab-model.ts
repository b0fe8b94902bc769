import { asyncDispose } from '../base/async-dispose.js';
import { DotbiasError } from '../base/errors.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Tables } from '../model/layout.js';
import type { ModelTables } from '../model/tables.js';
import { type Id, titleOf } from '../data/ids.js';
import type { BatchedModel, BatchedOptions } from './batched.js';
import { foldIn } from './fold-in.js';
import type { FoldedUsers } from './folded-users.js';
import type { FoldedUser } from './folded-user.js';
import type { FoldInOptions, GivenRating } from './given-ratings.js';
import { predictPairs, type PredictOptions, predictRows, type PredictRowsOptions } from './predict.js';
import {
  recommend,
  recommendAll,
  type Recommendation,
  type RecommendAllOptions,
  type Recommendations,
  type RecommendOptions,
} from './recommend.js';
import * as similar from './similar.js';
import type { ModelInfo, TrainedModel } from './trained-model.js';
import { type UserFolder, userFolder } from './user-folder.js';
import { warmUp } from './warm-up.js';

/** A trained model that answers: predictions, vectors and biases, by the ids of the outside world. */
export class CollabModel implements TrainedModel {
  readonly #tables: ModelTables;
  #isReleased = false;

  /** @param ownsGpu whether `release` ends the device too: it was opened for this model alone */
  constructor(
    tables: ModelTables,
    readonly info: ModelInfo,
    private readonly ownsGpu = false,
  ) {
    this.#tables = tables;
  }

  get gpu(): Gpu {
    return this.#tables.gpu;
  }

  /** The parameters on the device. @throws DotbiasError once the model has been released */
  get embeddings(): ModelTables {
    this.throwIfReleased();
    return this.#tables;
  }

  protected throwIfReleased(): void {
    if (this.#isReleased) throw new DotbiasError('This model has been released: its parameters are gone. Save a model before its release.');
  }

  /** Between which predictions lie; null if they may be any number. */
  get yRange(): readonly [lo: number, hi: number] | null {
    return this.info.range.bounds;
  }

  /** Predicted ratings of pairs, users[k] with items[k]; see `predictPairs`. */
  predict(users: ArrayLike<Id>, items: ArrayLike<Id>, options?: PredictOptions): Promise<Float32Array> {
    return predictPairs(this, users, items, options);
  }

  /** As `predict`, by rows of the user table and of the item table, 0 being unknown; see `predictRows`. */
  predictRows(users: ArrayLike<number>, items: ArrayLike<number>, options?: PredictRowsOptions): Promise<Float32Array> {
    return predictRows(this, users, items, options);
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
  async foldInAll(users: Iterable<Iterable<GivenRating>>, options?: FoldInOptions): Promise<FoldedUsers> {
    // Read on demand: a page folds one user in at a time.
    const { foldInAll } = await import('./fold-in-all.js');
    return foldInAll(this, users, options);
  }

  /** Folds new users in one after the other, each within a millisecond or two; see `UserFolder`. */
  folder(options?: FoldInOptions): Promise<UserFolder> {
    return userFolder(this, options);
  }

  /** Joins the calls of many callers, as a server has them, to few dispatches; see `BatchedModel`. */
  async batched(options: BatchedOptions = {}): Promise<BatchedModel> {
    // Read on demand: a page has one visitor.
    const { BatchedModel } = await import('./batched.js');
    return new BatchedModel(this, options);
  }

  /** The n items most similar to an item; see `similarItems`. */
  similarItems(item: Id, n?: number, options?: similar.SimilarOptions): Promise<similar.SimilarItem[]> {
    return similar.similarItems(this, item, n, options);
  }

  /** The n users most similar to a user; see `similarUsers`. */
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

  /** Vectors of items, or of users with `isItem: false`, each [nFactors]; see `vectors`. */
  vectors(ids: ArrayLike<Id>, options?: similar.SideOptions): Promise<Float32Array[]> {
    return similar.vectors(this, ids, options);
  }

  /** Biases of items, or of users with `isItem: false`, [ids.length]; see `biases`. */
  biases(ids: ArrayLike<Id>, options?: similar.SideOptions): Promise<Float32Array> {
    return similar.biases(this, ids, options);
  }

  /**
   * Mean squared error of the predictions of ratings that the model was not trained on, in squared units of the ratings; undefined
   * if it is not known.
   */
  async residualVariance(): Promise<number | undefined> {
    return this.info.residualVariance;
  }

  /** Compiles what the first answers would wait for; see `warmUp`. */
  warmUp(): Promise<void> {
    return warmUp(this);
  }

  /** The embedding tables, read back from the device. */
  async tables(): Promise<Tables> {
    return this.embeddings.readTables();
  }

  /** Title of an item, if titles are known. */
  titleOf(item: Id): string | undefined {
    return titleOf(this.info.titles, item);
  }

  /** Gives the model's memory back, and ends the device if it was opened for this model. A second time does nothing. */
  release(): void {
    this.#isReleased = true;
    this.#tables.release();
    if (this.ownsGpu) this.gpu.destroy();
  }

  /** As `release`, for `await using`. */
  async [asyncDispose](): Promise<void> {
    this.release();
  }
}
