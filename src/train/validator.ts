import { Rating } from '../../shaders/ops/structs.js';
import { validate } from '../../shaders/answer/validate.wgsl.js';
import type { Ratings } from '../data/collab-data.js';
import { packRatings } from '../data/pack-ratings.js';
import type { Binding } from '../gpu/pipeline.js';
import type { Scope } from '../gpu/scope.js';
import { StructArray } from '../gpu/struct.js';
import type { EmbeddingTables } from '../model/tables.js';
import type { StepOptions } from '../steps/stepper.js';

/** Errors over a set of ratings. `loss` is the mean of the training loss, which is `mse` unless another was given. */
export interface Validation {
  loss: number;
  mse: number;
  rmse: number;
  mae: number;
}

/** Measures a model on a fixed set of ratings, in one dispatch and one small readback. */
export class Validator {
  private constructor(
    readonly tables: EmbeddingTables,
    readonly nRatings: number,
    private readonly scope: Scope,
    private readonly binding: Binding<ReturnType<typeof validate>>,
    private readonly sums: GPUBuffer,
  ) {}

  /** @throws MemoryBudgetError, with nothing left allocated */
  static async create(
    tables: EmbeddingTables,
    ratings: Ratings,
    { loss, range, score }: Pick<StepOptions, 'loss' | 'range' | 'score'>,
  ): Promise<Validator> {
    const {
      gpu,
      param,
      layout: { factorVecs, rowVecs },
      shape,
    } = tables;
    const kernel = validate(loss, range, score, shape.hasBias);
    const pipeline = await gpu.compile(kernel);
    const nRatings = ratings.users.length;
    const packed = new StructArray(Rating, nRatings);
    packRatings(packed, ratings, shape.nUsers, nRatings);
    return gpu.owning((scope) => {
      const sums = scope.allocate('validation sums', 16 * Math.ceil(nRatings / kernel.workgroupSize));
      const buffers = { ratings: scope.upload('validation ratings', packed.words), param, sums };
      const binding = pipeline.bind(scope, buffers, { nRatings, factorVecs, rowVecs });
      return new Validator(tables, nRatings, scope, binding, sums);
    });
  }

  /** Errors of the model as it is now. NaN for an empty set. */
  async run(): Promise<Validation> {
    const { gpu } = this.tables;
    gpu.record('validate').dispatch(this.binding, this.nRatings).submit();
    const sums = await gpu.readFloats(this.sums);
    const total = [0, 0, 0];
    for (let i = 0; i < sums.length; i++) if (i % 4 < 3) total[i % 4] += sums[i];
    const [loss, mse, mae] = total.map((sum) => sum / this.nRatings);
    return { loss, mse, rmse: Math.sqrt(mse), mae };
  }

  /** Gives the memory back; a second time does nothing. */
  release(): void {
    this.scope.release();
  }
}
