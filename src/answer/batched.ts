import { checkNotNegative, checkOptions, checkWhole } from '../base/check.js';
import { DotbiasError, OverloadedError } from '../base/errors.js';
import type { Id } from '../data/ids.js';
import { checkUnknown, readSide, rowOf, rowsOf, type UnknownIds, type UnknownUser } from '../model/rows.js';
import { foldRows } from './fold-in-all.js';
import type { FoldedRecommendOptions } from './folded-user.js';
import { excludedOf, type FoldInOptions, type GivenRating, type GivenRows, readGiven, strengthOf } from './given-ratings.js';
import { priorOf } from './prior.js';
import type { Prior } from './solve-user.js';
import { inGroups, JoinedCalls } from './joined-calls.js';
import { kept } from './kept.js';
import { type PredictOptions, predictRows } from './predict.js';
import { excludedRows, named, type Recommendation, type RecommendOptions } from './recommend.js';
import {
  checkSimilar,
  namedSimilar,
  type SimilarItem,
  type Similarity,
  type SimilarOptions,
  similarRows,
  type VectorTable,
  withLengths,
} from './similar.js';
import { type TopLists, topLists } from './top-lists.js';
import { type TrainedModel, unknownUserOf } from './trained-model.js';
import { usersFor } from './unknown-user.js';

/** How calls are joined; all optional. */
export interface BatchedOptions {
  /** How long the first call waits for others, in milliseconds. Default 0: until the event loop has turned once. */
  maxDelayMs?: number | undefined;
  /** Calls that wait or are being answered, at most; a further one is refused with an `OverloadedError`. Default 1,024. */
  maxWaiting?: number | undefined;
}

/** How a new user is folded in, and what their list may leave out. */
export interface RecommendForOptions extends FoldInOptions, Pick<FoldedRecommendOptions, 'exclude'> {}

const MAX_DELAY = 60_000;

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
 * It keeps a copy of the item vectors on the host once similar items have been asked for, and nothing on the device. When the model has
 * been released, what is still waiting is refused; `close` waits for it first.
 */
export class BatchedModel {
  readonly #model: TrainedModel;
  readonly #maxWaiting: number;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #lists: JoinedCalls<UserCall, Recommendation[]>;
  readonly #newLists: JoinedCalls<NewUserCall, Recommendation[]>;
  readonly #pairs: JoinedCalls<PairsCall, Float32Array>;
  readonly #similar: JoinedCalls<SimilarCall, SimilarItem[]>;
  #isClosed = false;
  #nCalls = 0;
  #nBatches = 0;

  /** @internal */
  constructor(model: TrainedModel, options: BatchedOptions) {
    checkOptions('batched', options, ['maxDelayMs', 'maxWaiting']);
    const { maxDelayMs = 0, maxWaiting = 1024 } = options;
    checkNotNegative('maxDelayMs', maxDelayMs);
    if (maxDelayMs > MAX_DELAY) throw new RangeError(`maxDelayMs must be at most ${MAX_DELAY}, not ${maxDelayMs}.`);
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
    const prior = kept(model, () => priorOf(model.embeddings));
    const items = kept(model, async () => withLengths(await readSide(model.embeddings, 'items')));
    this.#lists = joined((calls) => listsOf(model, calls));
    this.#newLists = joined((calls) => newListsOf(model, prior, calls));
    this.#pairs = joined((calls) => pairsOf(model, calls));
    this.#similar = joined((calls) => similarOf(model, items, calls));
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

  /**
   * As `model.foldInAll` of this one user and then its `recommend`, with ids and titles.
   * @throws as they do; OverloadedError; DotbiasError once closed
   */
  async recommendFor(ratings: Iterable<GivenRating>, n = 10, options: RecommendForOptions = {}): Promise<Recommendation[]> {
    checkOptions('recommendFor', options, ['exclude', 'l2', 'unknown']);
    const { exclude = 'rated', ...foldIn } = options;
    const l2 = strengthOf(this.#model, foldIn);
    const given = readGiven(this.#model, ratings, foldIn, '');
    checkWhole('n', n);
    const excluded = excludedOf(this.#model, exclude, () => given.rows)(0);
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
}

async function similarOf(model: TrainedModel, items: () => Promise<VectorTable>, calls: readonly SimilarCall[]): Promise<SimilarItem[][]> {
  const table = await items();
  const answers: SimilarItem[][] = [];
  for (const [k, { row, n, metric }] of calls.entries()) {
    answers.push(namedSimilar(model, similarRows(table, row, n, metric)));
    if (k % 8 === 7) await model.embeddings.gpu.turn();
  }
  return answers;
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
        // Row k stands for call k: two calls may ask for one user, and leave out different items.
        const lists = await topLists(model, longest(some), {
          users: { blocks: users.blocks, blockOf: (k) => users.blockOf(rows[k]), placeOf: (k) => users.placeOf(rows[k]) },
          rows: rows.map((_, k) => k),
          excluded: (k) => some[k].excluded,
        });
        return namedLists(model, lists, some);
      }),
  );
}

function newListsOf(model: TrainedModel, prior: () => Promise<Prior>, calls: readonly NewUserCall[]): Promise<Recommendation[][]> {
  return inGroups(
    calls,
    (call) => `${lengthClass(call)} ${call.l2}`,
    async (some) => {
      const given = some.map((call) => call.given);
      const folded = await foldRows(model, given, some[0].l2, prior);
      return namedLists(model, await folded.lists(longest(some), (k) => some[k].excluded), some);
    },
  );
}

const longest = (calls: readonly ListCall[]) => calls.reduce((most, { n }) => Math.max(most, n), 0);

/** The beginning of each list that its call asked for. */
function namedLists(model: TrainedModel, { n, items, predictions }: TopLists, calls: readonly ListCall[]): Recommendation[][] {
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
