import { Rating } from '../../shaders/ops/structs.js';
import { predict } from '../../shaders/answer/predict.wgsl.js';
import { checkOptions, checkWhole } from '../base/check.js';
import type { Id } from '../data/ids.js';
import { packRatings } from '../data/pack-ratings.js';
import { StructArray } from '../gpu/struct.js';
import { rowsOf, type UnknownIds } from '../model/rows.js';
import type { TrainedModel } from './trained-model.js';

/** Pairs predicted by one dispatch. */
const PAIRS_PER_DISPATCH = 1 << 20;

/** What `predict` does with ids that training never saw. */
export interface PredictOptions {
  /** Default 'na'. */
  unknown?: UnknownIds | undefined;
}

/**
 * Predicted ratings of pairs, users[k] with items[k], in any number. An id that training never saw is read as fastai's
 * `#na#` row (whose vector and bias are near zero), or refused with `unknown: 'error'`.
 *
 * @returns [users.length]
 * @throws RangeError if the lengths differ, or for an unknown id with `unknown: 'error'`; TypeError unless both are arrays
 */
export async function predictPairs(
  model: TrainedModel,
  users: ArrayLike<Id>,
  items: ArrayLike<Id>,
  options: PredictOptions = {},
): Promise<Float32Array> {
  checkOptions('predict', options, ['unknown']);
  const { unknown = 'na' } = options;
  const rows = [rowsOf(model.info.users, users, 'user', unknown), rowsOf(model.info.items, items, 'item', unknown)] as const;
  return predictRows(model, ...rows);
}

/**
 * As `predictPairs`, by rows of the user table and of the item table, 0 being `#na#`.
 * @throws RangeError for a row that does not exist, or if the lengths differ
 */
export async function predictRows(
  { embeddings, info: { range, score } }: TrainedModel,
  users: ArrayLike<number>,
  items: ArrayLike<number>,
): Promise<Float32Array> {
  const {
    gpu,
    param,
    layout: { factorVecs, rowVecs },
    shape: { nUsers, nItems, hasBias },
  } = embeddings;
  if (users.length !== items.length) {
    throw new RangeError(`A prediction needs a user and an item each: there are ${users.length} users and ${items.length} items.`);
  }
  for (let k = 0; k < users.length; k++) {
    if (!isRow(users[k], nUsers)) checkWhole(`users[${k}]`, users[k], 0, nUsers - 1);
    if (!isRow(items[k], nItems)) checkWhole(`items[${k}]`, items[k], 0, nItems - 1);
  }
  const all = new Float32Array(users.length);
  if (all.length === 0) return all;
  const pipeline = await gpu.compile(predict(range, score, hasBias));
  const chunk = Math.min(users.length, PAIRS_PER_DISPATCH);
  const packed = new StructArray(Rating, chunk);
  return gpu.withScope(async (scope) => {
    const ratings = scope.allocate('pairs', packed.words.byteLength);
    const yHat = scope.allocate('yHat', 4 * chunk);
    const binding = pipeline.bind(scope, { ratings, param, yHat }, { factorVecs, rowVecs });
    for (let first = 0; first < users.length; first += chunk) {
      const nPairs = Math.min(chunk, users.length - first);
      packRatings(packed, { users, items }, nUsers, nPairs, first);
      gpu.write(ratings, packed.slice(0, nPairs));
      gpu.record('predict').dispatch(binding, nPairs, { nPairs }).submit();
      all.set(await gpu.readFloats(yHat, 0, nPairs), first);
    }
    return all;
  });
}

/** As `checkWhole`, without a text for each of millions of pairs. */
const isRow = (row: number, nRows: number) => row >= 0 && row < nRows && Number.isInteger(row);
