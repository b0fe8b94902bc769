import { columnMoments } from '../../shaders/answer/column-moments.wgsl.js';
import { readSide } from '../model/rows.js';
import { foldedUser } from './fold-in.js';
import type { FoldedUser } from './folded-user.js';
import { type FoldInOptions, type GivenRating, readGiven, strengthOf } from './given-ratings.js';
import { type ItemTable, itemsOnHost } from './item-table.js';
import { kept } from './kept.js';
import { checkPrior, priorReader } from './prior.js';
import type { Prior } from './solve-user.js';
import type { TrainedModel } from './trained-model.js';

/** What folding in needs of a model, of one moment, on the host. */
interface Snapshot {
  prior: Prior;
  items: ItemTable;
}

/**
 * Folds in one new user after the other without asking the device: for a page that answers each click. It keeps a copy of the item
 * table, 4 bytes for each factor of each item, and the mean and deviation of the trained users.
 *
 * Vector, bias, predictions and reasons are those of `foldIn`, bit for bit. Lists are scored on the host in float64, where
 * those of `foldIn` are scored on the device in float32: predictions differ by about 1e-6 of their size, and items that are
 * closer than that may change places.
 *
 * When the model has been trained on, or is another state of it, the next `fold` reads both anew; a user who was folded in before keeps
 * the items of then. Beside a fit each `fold` reads anew, of a moment between two submissions.
 */
export class UserFolder {
  readonly #l2: number;
  /** Prior and items as they are now. @internal */
  readonly read: () => Promise<Snapshot>;

  /** @internal */
  constructor(
    private readonly model: TrainedModel,
    private readonly options: FoldInOptions,
  ) {
    this.#l2 = strengthOf(model, options);
    this.read = kept(model, () => readSnapshot(model));
  }

  /**
   * A new user's vector and bias from their ratings; see `foldIn`.
   * @throws as `foldIn`
   */
  async fold(ratings: Iterable<GivenRating>): Promise<FoldedUser> {
    const given = readGiven(this.model, ratings, this.options, '');
    const { prior, items } = await this.read();
    return foldedUser(this.model, items, given, await items.vectors(given.rows), prior, this.#l2);
  }
}

/** Makes a folder, and reads what it keeps. @throws TypeError or RangeError for an option, and DotbiasError, as `foldIn` */
export async function userFolder(model: TrainedModel, options: FoldInOptions = {}): Promise<UserFolder> {
  const folder = new UserFolder(model, options);
  await folder.read();
  return folder;
}

async function readSnapshot({ embeddings, info: { range } }: TrainedModel): Promise<Snapshot> {
  const { gpu, shape } = embeddings;
  const pipeline = await gpu.compile(columnMoments);
  return gpu.withScope(async (scope) => {
    // Both are submitted before anything else can be: they are of one moment.
    const [prior, items] = await Promise.all([priorReader(embeddings, scope, pipeline)(), readSide(embeddings, 'items')]);
    return { prior: checkPrior(prior), items: itemsOnHost(items, shape, range) };
  });
}
