import { checkNotNegative, checkOptions, checkWhole } from '../base/check.js';
import { DotbiasError, OverloadedError } from '../base/errors.js';
import type { Id } from '../data/ids.js';
import type { Rows } from '../model/layout.js';
import { checkUnknown, readSide, rowOf, rowsOf, type UnknownIds, type UnknownUser } from '../model/rows.js';
import { type PlacedRows, rowsIn } from '../model/table-side.js';
import { foldedUser } from './fold-in.js';
import type { FoldedRecommendOptions } from './folded-user.js';
import { excludedOf, type FoldInOptions, type GivenRating, type GivenRows, readGiven, strengthOf } from './given-ratings.js';
import { inGroups, JoinedCalls } from './joined-calls.js';
import { type PredictOptions, predictRows } from './predict.js';
import { excludedRows, named, type Recommendation, type RecommendOptions } from './recommend.js';
import { checkSimilar, namedSimilar, type SimilarItem, type Similarity, type SimilarOptions, similarRows } from './similar.js';
import { topLists } from './top-lists.js';
import { type TrainedModel, unknownUserOf } from './trained-model.js';
import { usersFor } from './unknown-user.js';
import { UserFolder } from './user-folder.js';

/** How calls are joined; all optional. */
export interface BatchedOptions {
  /** How long the first call waits for others, in milliseconds. Default 0: until the event loop has turned once. */
  maxDelayMs?: number | undefined;
  /** Calls that wait or are being answered, at most; a further one is refused with an `OverloadedError`. Default 1,024. */
  maxWaiting?: number | undefined;
}

/** How a new user is folded in, and what their list may leave out. */
export interface RecommendForOptions extends FoldInOptions, Pick<FoldedRecommendOptions, 'exclude'> {}

/** A list to be made: whose ids and titles are looked up when it is there. */
interface ListCall {
  readonly n: number;
  /** Item rows, ascending. */
  readonly excluded: Uint32Array;
}
interface UserCall extends ListCall {
  readonly row: number;
  /** What row 0 stands for. */
  readonly unknown: UnknownUser;
}
interface NewUserCall extends ListCall {
  readonly given: GivenRows;
  readonly l2: number;
}
interface PairsCall {
  readonly users: Uint32Array;
  readonly items: Uint32Array;
  readonly unknown: UnknownUser;
}
interface SimilarCall {
  readonly row: number;
  readonly n: number;
  readonly metric: Similarity;
}

/**
 * A model for many callers at once, such as a server: calls that come within one turn of the event loop, or within `maxDelayMs`, and
 * those that come while others are being answered, go to the device together. Each answer is that of the model's own method, bit for
 * bit, and an error is that of its own call alone.
 *
 * It keeps a copy of the item table on the host once new users or similar items have been asked for, and nothing on the device. When
 * the model has been released, what is still waiting is refused; `close` waits for it first.
 */
export class BatchedModel {
  readonly #model: TrainedModel;
  readonly #maxWaiting: number;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #lists: JoinedCalls<UserCall, Recommendation[]>;
  readonly #newLists: JoinedCalls<NewUserCall, Recommendation[]>;
  readonly #pairs: JoinedCalls<PairsCall, Float32Array>;
  readonly #similar: JoinedCalls<SimilarCall, SimilarItem[]>;
  #folder: UserFolder | undefined;
  #items: { version: number; rows: Promise<Rows> } | undefined;
  #isClosed = false;
  #nCalls = 0;
  #nBatches = 0;

  /** @internal */
  constructor(model: TrainedModel, options: BatchedOptions) {
    checkOptions('batched', options, ['maxDelayMs', 'maxWaiting']);
    const { maxDelayMs = 0, maxWaiting = 1024 } = options;
    checkNotNegative('maxDelayMs', maxDelayMs);
    checkWhole('maxWaiting', maxWaiting);
    this.#model = model;
    this.#maxWaiting = maxWaiting;
    const { gpu } = model.embeddings;
    const gather = maxDelayMs === 0 ? gpu.turn : () => new Promise<void>((resolve) => setTimeout(resolve, maxDelayMs));
    const joined = <C, A>(answer: (calls: readonly C[]) => Promise<readonly A[]>) =>
      new JoinedCalls<C, A>(gather, (calls) => {
        this.#nBatches++;
        return answer(calls);
      });
    this.#lists = joined((calls) => listsOf(model, calls));
    this.#newLists = joined((calls) => newListsOf(model, this.#folder!, calls));
    this.#pairs = joined((calls) => pairsOf(model, calls));
    this.#similar = joined((calls) => this.#similarOf(calls));
  }

  /** Calls that wait or are being answered. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Calls that were taken on so far, and the batches that they were joined to. */
  get counts(): { calls: number; batches: number } {
    return { calls: this.#nCalls, batches: this.#nBatches };
  }

  /** As `model.recommend`. @throws as it does; OverloadedError; DotbiasError once closed */
  async recommend(user: Id, n = 10, options: RecommendOptions = {}): Promise<Recommendation[]> {
    checkOptions('recommend', options, ['exclude', 'unknown']);
    const { exclude = 'rated', unknown = unknownUserOf(this.#model) } = options;
    checkWhole('n', n);
    checkUnknown(unknown);
    const row = rowOf(this.#model.info.users, user, 'user', unknown);
    const excluded = excludedRows(this.#model, exclude)(row);
    return this.#join(this.#lists, { row, unknown: orMean(unknown), n, excluded });
  }

  /** As `model.foldIn(ratings)` and then its `recommend`. @throws as they do; OverloadedError; DotbiasError once closed */
  async recommendFor(ratings: Iterable<GivenRating>, n = 10, options: RecommendForOptions = {}): Promise<Recommendation[]> {
    checkOptions('recommendFor', options, ['exclude', 'l2', 'unknown']);
    const { exclude = 'rated', ...foldIn } = options;
    const l2 = strengthOf(this.#model, foldIn);
    const given = readGiven(this.#model, ratings, foldIn, '');
    checkWhole('n', n);
    const excluded = excludedOf(this.#model, exclude, () => given.rows)(0);
    this.#folder ??= new UserFolder(this.#model, {});
    return this.#join(this.#newLists, { given, l2, n, excluded });
  }

  /** As `model.predict`. @throws as it does; OverloadedError; DotbiasError once closed */
  async predict(users: ArrayLike<Id>, items: ArrayLike<Id>, options: PredictOptions = {}): Promise<Float32Array> {
    checkOptions('predict', options, ['unknown']);
    const { unknown = unknownUserOf(this.#model) } = options;
    const { info } = this.#model;
    const call = { users: rowsOf(info.users, users, 'user', unknown), items: rowsOf(info.items, items, 'item', unknown) };
    if (users.length !== items.length) return predictRows(this.#model, call.users, call.items); // which refuses them
    return this.#join(this.#pairs, { ...call, unknown: orMean(unknown) });
  }

  /** As `model.similarItems`. @throws as it does; OverloadedError; DotbiasError once closed */
  async similarItems(item: Id, n = 10, options: SimilarOptions = {}): Promise<SimilarItem[]> {
    const row = rowOf(this.#model.info.items, item, 'item', 'error');
    return this.#join(this.#similar, { row, n, metric: checkSimilar(n, options) });
  }

  /** Takes no more calls, and waits for those that it has. A second time it does the same. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#pending);
  }

  #join<C, A>(to: JoinedCalls<C, A>, call: C): Promise<A> {
    if (this.#isClosed) throw new DotbiasError('This batched model has been closed: make another with model.batched().');
    if (this.#pending.size >= this.#maxWaiting) {
      throw new OverloadedError(`${this.#pending.size} calls are waiting already, the most that maxWaiting allows: try again later.`);
    }
    this.#nCalls++;
    const answer = to.add(call);
    const done = () => void this.#pending.delete(answer);
    this.#pending.add(answer);
    answer.then(done, done);
    return answer;
  }

  async #similarOf(calls: readonly SimilarCall[]): Promise<SimilarItem[][]> {
    const { embeddings } = this.#model;
    const { version, gpu, shape } = embeddings;
    if (this.#items?.version !== version) {
      const rows = readSide(embeddings, 'items');
      rows.catch(() => (this.#items = undefined));
      this.#items = { version, rows };
    }
    const rows = await this.#items.rows;
    const answers: SimilarItem[][] = [];
    for (const { row, n, metric } of calls) {
      answers.push(namedSimilar(this.#model, similarRows(rows.factors, shape.nFactors, row, n, metric)));
      await gpu.turn();
    }
    return answers;
  }
}

/** With 'error' there is no row 0, and nothing is read for it. */
const orMean = (unknown: UnknownIds): UnknownUser => (unknown === 'error' ? 'mean' : unknown);

/** Lists go together whose lengths have one number of binary digits: the longest takes at most twice the places of the others. */
const lengthClass = ({ n }: ListCall) => 32 - Math.clz32(n);

function listsOf(model: TrainedModel, calls: readonly UserCall[]): Promise<Recommendation[][]> {
  const { embeddings } = model;
  return inGroups(
    calls,
    (call) => `${lengthClass(call)} ${call.row === 0 ? call.unknown : ''}`,
    (some) =>
      embeddings.gpu.withScope(async (scope) => {
        const rows = some.map(({ row }) => row);
        const users = await usersFor(embeddings, scope, some[0].unknown, rows);
        return listsFor(
          model,
          { blocks: users.blocks, blockOf: (k) => users.blockOf(rows[k]), placeOf: (k) => users.placeOf(rows[k]) },
          some,
        );
      }),
  );
}

async function newListsOf(model: TrainedModel, folder: UserFolder, calls: readonly NewUserCall[]): Promise<Recommendation[][]> {
  const { gpu, layout } = model.embeddings;
  const { prior, items } = await folder.read();
  return inGroups(calls, lengthClass, async (some) => {
    const packed = new Float32Array(some.length * layout.rowStride);
    for (const [k, { given, l2 }] of some.entries()) {
      const { factors, bias } = foldedUser(model, items, given, await items.vectors(given.rows), prior, l2);
      layout.packRows({ factors, biases: [bias] }, packed.subarray(k * layout.rowStride));
      await gpu.turn();
    }
    return gpu.withScope((scope) => listsFor(model, rowsIn(scope.upload('folded users', packed), some.length), some));
  });
}

/** The lists of the users of rows 0, 1 and so on, one for each call. */
async function listsFor(model: TrainedModel, users: PlacedRows, calls: readonly ListCall[]): Promise<Recommendation[][]> {
  const n = calls.reduce((most, call) => Math.max(most, call.n), 0);
  const { items, predictions } = await topLists(model, n, { users, rows: calls.map((_, k) => k), excluded: (k) => calls[k].excluded });
  return calls.map((call, k) => {
    const [begin, end] = [k * n, k * n + call.n];
    return named(model, { items: items.subarray(begin, end), predictions: predictions.subarray(begin, end) });
  });
}

function pairsOf(model: TrainedModel, calls: readonly PairsCall[]): Promise<Float32Array[]> {
  return inGroups(
    calls,
    ({ unknown }) => unknown,
    async (some) => {
      const ends: number[] = [];
      for (const { users } of some) ends.push((ends.at(-1) ?? 0) + users.length);
      const [users, items] = [new Uint32Array(ends.at(-1)!), new Uint32Array(ends.at(-1)!)];
      some.forEach((call, k) => {
        users.set(call.users, ends[k] - call.users.length);
        items.set(call.items, ends[k] - call.users.length);
      });
      const all = await predictRows(model, users, items, { unknown: some[0].unknown });
      return some.map((call, k) => all.slice(ends[k] - call.users.length, ends[k]));
    },
  );
}
