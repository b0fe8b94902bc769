import { foldIn as foldInKernel } from '../../shaders/answer/fold-in.wgsl.js';
import { gatherRows } from '../../shaders/answer/gather-rows.wgsl.js';
import { Given } from '../../shaders/ops/structs.js';
import { DotbiasError } from '../base/errors.js';
import { StructArray } from '../gpu/struct.js';
import { FoldedUsers } from './folded-users.js';
import { type FoldInOptions, type GivenRating, type GivenRows, PSEUDO_COUNT, readGiven, strengthOf } from './given-ratings.js';
import { gather } from '../model/rows.js';
import { priorOf } from './prior.js';
import type { Prior } from './solve-user.js';
import { NOT_FINITE, type TrainedModel } from './trained-model.js';

/** Ratings that one dispatch works through at most, unless a single user has more. */
const RATINGS_PER_DISPATCH = 2 ** 18;

/**
 * As `foldIn`, for many users at once, on the device in float32: the same numbers to about 1e-4, and for models as they
 * come from training to 1e-6. Where scores lie far out on the sigmoid the equations are ill-conditioned and the two may part.
 *
 * @param users each user's ratings
 * @throws RangeError as `foldIn`, naming the user by position; DotbiasError if the model is not finite
 */
export async function foldInAll(
  model: TrainedModel,
  users: Iterable<Iterable<GivenRating>>,
  options: FoldInOptions = {},
): Promise<FoldedUsers> {
  const l2 = strengthOf(model, options);
  const given = Array.from(users, (ratings, k) => readGiven(model, ratings, options, ` of user ${k}`));
  return foldRows(model, given, l2, () => priorOf(model.embeddings));
}

/** As `foldInAll`, of ratings that have been checked. @param prior what is known of a user before their ratings, see `priorOf` */
export async function foldRows(
  model: TrainedModel,
  given: readonly GivenRows[],
  l2: number,
  prior: () => Promise<Prior>,
): Promise<FoldedUsers> {
  const {
    embeddings,
    info: { range },
  } = model;
  const {
    gpu,
    shape: { nFactors, hasBias },
    layout,
  } = embeddings;
  const { rowStride, factorVecs } = layout;
  const factors = new Float32Array(given.length * nFactors);
  const biases = new Float32Array(given.length);
  const folded = new FoldedUsers(
    model,
    factors,
    biases,
    given.map(({ rows }) => rows),
  );
  if (given.length === 0) return folded;

  const [pipeline, gatherer, { mean, sd }] = await Promise.all([
    gpu.compile(foldInKernel(range, hasBias, factorVecs)),
    gpu.compile(gatherRows),
    prior(),
  ]);
  const priorRows = new Float32Array(2 * rowStride);
  [mean, sd].forEach((values, i) => layout.packRows({ factors: values, biases: [values[nFactors]] }, priorRows.subarray(i * rowStride)));
  // Sorted by their number of ratings, so that neighbours on the device have equally much to do.
  const order = given.map((_, k) => k).sort((a, b) => given[a].rows.length - given[b].rows.length);
  const mostRatings = Math.min(RATINGS_PER_DISPATCH, Math.floor(gpu.maxBinding / (4 * rowStride)));
  for (let first = 0, last; first < order.length; first = last) {
    last = endOfBlock(given, order, first, mostRatings);
    await foldBlock(order.slice(first, last));
  }
  if (![factors, biases].every((values) => values.every(Number.isFinite)))
    throw new DotbiasError(`The ratings cannot be folded in: ${NOT_FINITE}`);
  return folded;

  async function foldBlock(block: readonly number[]): Promise<void> {
    const starts = Uint32Array.of(0, ...block);
    block.forEach((user, k) => (starts[k + 1] = starts[k] + given[user].rows.length));
    const packed = new StructArray(Given, starts[block.length]);
    // The rows of the items rated, each once, are gathered from wherever they lie.
    const placeOf = new Map<number, number>();
    block.forEach((user, k) => {
      const { rows, ratings } = given[user];
      for (let j = 0; j < rows.length; j++) {
        const item = placeOf.get(rows[j]) ?? placeOf.size;
        placeOf.set(rows[j], item);
        packed.set(starts[k] + j, { item, y: ratings[j] });
      }
    });
    await gpu.withScope(async (scope) => {
      const out = scope.allocate('folded users', 4 * rowStride * block.length);
      const rated = scope.allocate('items rated', 4 * rowStride * Math.max(1, placeOf.size));
      gather(embeddings, scope, gatherer, embeddings.items, [...placeOf.keys()], rated);
      const binding = pipeline.bind(
        scope,
        {
          items: rated,
          starts: scope.upload('starts', starts),
          given: scope.upload('given ratings', packed.words),
          prior: scope.upload('prior', priorRows),
          slopes: scope.allocate('slopes', 4 * packed.length),
          out,
        },
        { nUsers: block.length, l2, pseudoCount: PSEUDO_COUNT },
      );
      gpu.record('fold in').dispatch(binding, block.length).submit();
      const rows = layout.unpackRows(await gpu.readFloats(out, 0, block.length * rowStride));
      block.forEach((user, k) => {
        factors.set(rows.factors.subarray(k * nFactors, (k + 1) * nFactors), user * nFactors);
        biases[user] = rows.biases[k];
      });
    });
  }
}

/** The end of the block that begins with user `first` of the order. */
function endOfBlock(given: readonly GivenRows[], order: readonly number[], first: number, most: number): number {
  let last = first;
  let nRatings = 0;
  do nRatings += given[order[last++]].rows.length;
  while (last < order.length && nRatings + given[order[last]].rows.length <= most);
  return last;
}
