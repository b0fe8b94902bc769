import { validate } from '../../shaders/answer/validate.wgsl.js';
import { columnMoments } from '../../shaders/answer/column-moments.wgsl.js';
import { nonFinite } from '../../shaders/train/non-finite.wgsl.js';
import { priorReader } from '../answer/prior.js';
import { meanUser, readsMeanUser } from '../answer/unknown-user.js';
import type { Ring } from '../base/ring.js';
import type { Ratings } from '../data/collab-data.js';
import type { DataShare } from '../data/share.js';
import type { Binding } from '../gpu/pipeline.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';
import type { UnknownUser } from '../model/rows.js';
import { forBuffers, groupPairs, type PairGroup } from '../model/pairs.js';
import type { Deals } from '../model/parted-tables.js';
import type { Block } from '../model/table-side.js';
import type { ModelTables } from '../model/tables.js';
import type { StepOptions } from '../steps/stepper.js';

/** Errors over a set of ratings. `loss` is the mean of the training loss, which is `mse` unless another was given. */
export interface Validation {
  loss: number;
  mse: number;
  rmse: number;
  mae: number;
}

/** What a validator found. */
export interface Measurement {
  /** NaN for an empty set, and where a score or a parameter is not finite. */
  valid: Validation;
  /** Whether the loss, all parameters and the optimiser's state are finite numbers. */
  isFinite: boolean;
}

/** Ratings whose users are in one block and whose items are in another, and where their sums go. */
interface Group extends PairGroup {
  readonly firstSum: number;
  readonly nSums: number;
}

/** Sums of the loss, the squared and the absolute error. */
const N_ERRORS = 3;

/**
 * Measures a model on a fixed set of ratings, and looks for numbers that are not finite, in one submission and one small
 * readback; ratings of users whom training never saw by the mean user, which takes another. The sums of each block of users and block
 * of items are formed for themselves, and added in their order: in strata the bits are the same in however many parts the model is.
 */
export class Validator {
  private constructor(
    readonly tables: ModelTables,
    readonly nRatings: number,
    private readonly scope: Scope,
    private readonly groups: readonly Group[],
    private readonly users: readonly Block[],
    private readonly bind: (users: GPUBuffer, items: GPUBuffer) => Binding<ReturnType<typeof validate>>,
    private readonly checks: readonly { binding: Binding<typeof nonFinite>; nVecs: number }[],
    private readonly found: GPUBuffer,
    private readonly slots: GPUBuffer | undefined,
    /** A vec4 for each workgroup, then `found`. */
    private readonly sums: GPUBuffer,
    /** Brings the mean user up to date, if there are ratings of unknown users to measure by it. */
    private readonly updateMean: (() => Promise<void>) | undefined,
    private readonly ring: Ring | undefined,
  ) {}

  /**
   * @param strata blocks by which sums are formed, of training in strata
   * @param share which of all ratings these are, if not all
   * @param ring of the processes that have the parts of the model; each measures by its own users, and every rank calls `run`
   * @throws MemoryBudgetError, with nothing left allocated; RangeError for what several ranks cannot measure
   */
  static async create(
    tables: ModelTables,
    ratings: Ratings,
    { loss, range, score }: Pick<StepOptions, 'loss' | 'range' | 'score'>,
    unknownUser: UnknownUser = 'mean',
    strata?: Deals,
    ring?: Ring,
    share?: DataShare,
  ): Promise<Validator> {
    const {
      gpu,
      layout: { factorVecs, rowVecs },
      shape,
    } = tables;
    const kernel = validate(loss, range, score, shape.hasBias);
    const nRatings = share?.whole.nValid ?? ratings.users.length;
    const unknown = share && [share.whole.unknown.users > 0 ? 0 : 1];
    const readsMean = readsMeanUser(tables, unknownUser, unknown ?? ratings.users);
    const own = strata && ring && ring.size > 1 ? (await onRanks()).ratingsOf(ratings, strata, ring, readsMean) : ratings;
    const [pipeline, checker, moments] = await Promise.all([
      gpu.compile(kernel),
      gpu.compile(nonFinite),
      readsMean ? gpu.compile(columnMoments) : undefined,
    ]);
    return gpu.owning((scope) => {
      const mean = moments && meanUser(tables, scope);
      const users = mean?.users ?? tables.users;
      const { packed, groups: pairs } = groupPairs(users, tables.items, own, 0, own.users.length, strata);
      let nSums = 0;
      const groups = pairs.map((group) => {
        const firstSum = nSums;
        nSums += Math.ceil((group.end - group.begin) / kernel.workgroupSize);
        return { ...group, firstSum, nSums: nSums - firstSum };
      });
      const sums = scope.allocate('validation sums', 16 * nSums + 4);
      const found = scope.allocate('not finite', 4);
      const checks = tables.parts.flatMap(({ arrays, layout: { nParams } }) =>
        arrays.map(([, values]) => ({ binding: checker.bind(scope, { values, found }, { nVecs: nParams / 4 }), nVecs: nParams / 4 })),
      );
      const uploaded = scope.upload('validation ratings', packed.words);
      const bind = forBuffers((ofUsers, items) =>
        pipeline.bind(scope, { ratings: uploaded, users: ofUsers, items, sums }, { factorVecs, rowVecs }),
      );
      // Every binding is made now: items move while a model in parts trains, and nothing is to be allocated then.
      for (const { user } of groups) for (const { param } of tables.parts) bind(users.blocks[user].buffer, param);
      const readPrior = moments && priorReader(tables, scope, moments, strata?.users);
      const updateMean = readPrior && mean && (async () => mean.write(await readPrior()));
      return new Validator(
        tables,
        nRatings,
        scope,
        groups,
        users.blocks,
        bind,
        checks,
        found,
        scope.slots(groups.length),
        sums,
        updateMean,
        ring,
      );
    });
  }

  /** Measures the model as it is now. */
  async run(): Promise<Measurement> {
    const { gpu } = this.tables;
    await this.updateMean?.();
    const recorder = this.#recordChecks();
    const ring = this.#ring;
    if (!ring) this.#record(recorder, this.groups);
    recorder.copy(this.found, 0, this.sums, this.sums.size - 4, 4).submit();
    if (ring) {
      await (
        await onRanks()
      ).byRounds(this.tables, this.groups, (groups) => {
        const next = gpu.record('validate', { slots: this.slots });
        this.#record(next, groups);
        next.submit();
      });
    }
    const sums = await gpu.readFloats(this.sums);
    const own = { isNumber: sums[sums.length - 1] === 0, all: this.groups.map(({ firstSum, nSums }) => errorsOf(sums, firstSum, nSums)) };
    const { isNumber, all } = ring ? await (await onRanks()).together(own, this.groups, this.tables.items.blocks.length, ring) : own;
    const total = new Float64Array(N_ERRORS).fill(isNumber ? 0 : NaN);
    for (const each of all) for (let error = 0; error < N_ERRORS; error++) total[error] += each[error];
    const [loss, mse, mae] = total.map((sum) => sum / this.nRatings);
    const isFinite = isNumber && (this.nRatings === 0 || Number.isFinite(loss));
    return { valid: { loss, mse, rmse: Math.sqrt(mse), mae }, isFinite };
  }

  /** Whether all parameters and the optimiser's state are finite numbers: `run` without the ratings. */
  async isFinite(): Promise<boolean> {
    this.#recordChecks().submit();
    const isNumber = (await this.tables.gpu.readWords(this.found))[0] === 0;
    return this.#ring ? (await onRanks()).onAll(isNumber, this.#ring) : isNumber;
  }

  get #ring(): Ring | undefined {
    return this.ring && this.ring.size > 1 ? this.ring : undefined;
  }

  #recordChecks(): Recorder {
    const { gpu } = this.tables;
    gpu.write(this.found, Uint32Array.of(0));
    const recorder = gpu.record('validate', { slots: this.slots });
    for (const { binding, nVecs } of this.checks) recorder.dispatch(binding, nVecs);
    return recorder;
  }

  #record(recorder: Recorder, groups: readonly Group[]): void {
    const { items } = this.tables;
    for (const { user, item, begin, end, firstSum } of groups) {
      recorder.dispatch(this.bind(this.users[user].buffer, items.blocks[item].buffer), end - begin, { begin, end, firstSum });
    }
  }

  /** Gives the memory back; a second time does nothing. */
  release(): void {
    this.scope.release();
  }
}

function errorsOf(sums: Float32Array, firstSum: number, nSums: number): number[] {
  return Array.from({ length: N_ERRORS }, (_, error) => {
    let sum = 0;
    for (let g = firstSum; g < firstSum + nSums; g++) sum += sums[4 * g + error];
    return sum;
  });
}

/** Read on demand: a page has no ranks. */
const onRanks = () => import('./ranked-errors.js');
