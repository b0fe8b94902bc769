import { Rating } from '../../shaders/ops/structs.js';
import { validate } from '../../shaders/answer/validate.wgsl.js';
import { columnMoments } from '../../shaders/answer/column-moments.wgsl.js';
import { nonFinite } from '../../shaders/train/non-finite.wgsl.js';
import { priorReader } from '../answer/prior.js';
import type { Prior } from '../answer/solve-user.js';
import { writeMeanUser } from '../answer/unknown-user.js';
import type { Ratings } from '../data/collab-data.js';
import { packRatings } from '../data/pack-ratings.js';
import type { Binding } from '../gpu/pipeline.js';
import type { Scope } from '../gpu/scope.js';
import { StructArray } from '../gpu/struct.js';
import type { UnknownUser } from '../model/rows.js';
import type { EmbeddingTables } from '../model/tables.js';
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

/**
 * Measures a model on a fixed set of ratings, and looks for numbers that are not finite, in one submission and one small
 * readback; ratings of users whom training never saw by the mean user, which takes another.
 */
export class Validator {
  private constructor(
    readonly tables: EmbeddingTables,
    readonly nRatings: number,
    private readonly scope: Scope,
    private readonly binding: Binding<ReturnType<typeof validate>>,
    private readonly checks: readonly Binding<typeof nonFinite>[],
    private readonly found: GPUBuffer,
    /** A vec4 for each workgroup, then `found`. */
    private readonly sums: GPUBuffer,
    /** Reads the mean user, if there are ratings of unknown users to measure by it. */
    private readonly readPrior: (() => Promise<Prior>) | undefined,
  ) {}

  /** @throws MemoryBudgetError, with nothing left allocated */
  static async create(
    tables: EmbeddingTables,
    ratings: Ratings,
    { loss, range, score }: Pick<StepOptions, 'loss' | 'range' | 'score'>,
    unknownUser: UnknownUser = 'mean',
  ): Promise<Validator> {
    const {
      gpu,
      param,
      state,
      layout: { factorVecs, rowVecs, nParams },
      shape,
    } = tables;
    const kernel = validate(loss, range, score, shape.hasBias);
    const nRatings = ratings.users.length;
    const packed = new StructArray(Rating, nRatings);
    const hasUnknown = unknownUser === 'mean' && shape.nUsers > 1 && ratings.users.includes(0);
    const [pipeline, checker, moments] = await Promise.all([
      gpu.compile(kernel),
      gpu.compile(nonFinite),
      hasUnknown ? gpu.compile(columnMoments) : undefined,
    ]);
    const users = hasUnknown ? ratings.users.map((user) => user || tables.meanUserRow) : ratings.users;
    packRatings(packed, { ...ratings, users }, shape.nUsers, nRatings);
    return gpu.owning((scope) => {
      const sums = scope.allocate('validation sums', 16 * Math.ceil(nRatings / kernel.workgroupSize) + 4);
      const found = scope.allocate('not finite', 4);
      const checks = [param, ...Object.values(state)].map((values) => checker.bind(scope, { values, found }, { nVecs: nParams / 4 }));
      const buffers = { ratings: scope.upload('validation ratings', packed.words), param, sums };
      const binding = pipeline.bind(scope, buffers, { nRatings, factorVecs, rowVecs });
      const readPrior = moments && priorReader(tables, scope, moments);
      return new Validator(tables, nRatings, scope, binding, checks, found, sums, readPrior);
    });
  }

  /** Measures the model as it is now. */
  async run(): Promise<Measurement> {
    const {
      gpu,
      layout: { nParams },
    } = this.tables;
    if (this.readPrior) writeMeanUser(this.tables, await this.readPrior());
    gpu.write(this.found, Uint32Array.of(0));
    const recorder = gpu.record('validate').dispatch(this.binding, this.nRatings);
    for (const check of this.checks) recorder.dispatch(check, nParams / 4);
    recorder.copy(this.found, 0, this.sums, this.sums.size - 4, 4).submit();
    const sums = await gpu.readFloats(this.sums);
    const isNumber = sums[sums.length - 1] === 0;
    const total = isNumber ? [0, 0, 0] : [NaN, NaN, NaN];
    for (let i = 0; i < sums.length - 1; i++) if (i % 4 < 3) total[i % 4] += sums[i];
    const [loss, mse, mae] = total.map((sum) => sum / this.nRatings);
    const isFinite = isNumber && (this.nRatings === 0 || Number.isFinite(loss));
    return { valid: { loss, mse, rmse: Math.sqrt(mse), mae }, isFinite };
  }

  /** Gives the memory back; a second time does nothing. */
  release(): void {
    this.scope.release();
  }
}
