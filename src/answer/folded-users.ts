import { checkOptions, checkWhole } from '../base/check.js';
import { rowsIn } from '../model/table-side.js';
import type { FoldedRecommendOptions } from './folded-user.js';
import { excludedOf } from './given-ratings.js';
import { type TopLists, topLists, type TopListsBounds } from './top-lists.js';
import type { TrainedModel } from './trained-model.js';

/** New users, as `foldInAll` found them, in the order given. They belong to the item tables of that moment. */
export class FoldedUsers {
  /** @internal */
  constructor(
    private readonly model: TrainedModel,
    /** Their vectors, row-major [nUsers, nFactors]. */
    readonly factors: Float32Array,
    /** Their biases, [nUsers]; zeros in a model without biases. */
    readonly biases: Float32Array,
    private readonly givenRows: readonly Uint32Array[],
  ) {}

  /** The n best items for each of them, [nUsers, n]; options as `recommendAll`, `'rated'` being the ratings given. */
  async recommend(n = 10, options: Pick<FoldedRecommendOptions, 'exclude'> & TopListsBounds = {}): Promise<TopLists> {
    checkWhole('n', n);
    checkOptions('recommend', options, ['exclude', 'memoryBudget', 'onProgress', 'signal']);
    return this.lists(
      n,
      excludedOf(this.model, options.exclude ?? 'rated', (k) => this.givenRows[k]),
      options,
    );
  }

  /** As `recommend`. @param excluded the item rows to leave out for each of them, ascending. @internal */
  lists(n: number, excluded: (k: number) => Uint32Array, bounds: TopListsBounds = {}): Promise<TopLists> {
    const { model, factors, biases } = this;
    const { gpu, layout } = model.embeddings;
    const packed = new Float32Array(biases.length * layout.rowStride);
    layout.packRows({ factors, biases }, packed);
    return gpu.withScope(async (scope) => {
      const vectors = scope.upload('folded users', packed);
      return topLists(model, n, {
        ...bounds,
        users: rowsIn(vectors, biases.length),
        rows: Uint32Array.from(biases, (_, k) => k),
        excluded,
      });
    });
  }
}
