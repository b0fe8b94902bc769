import { Rating } from '../../shaders/ops/structs.js';
import { predict } from '../../shaders/answer/predict.wgsl.js';
import { checkChoice, checkOptions, checkWhole, show } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import type { Id } from '../data/ids.js';
import { packRatings } from '../data/pack-ratings.js';
import { StructArray } from '../gpu/struct.js';
import { rowsOf, type UnknownIds, type UnknownUser } from '../model/rows.js';
import { NOT_FINITE, type TrainedModel, unknownUserOf } from './trained-model.js';
import { rowOfUnknownUser } from './unknown-user.js';

/** Pairs predicted by one dispatch. */
const PAIRS_PER_DISPATCH = 1 << 20;

/** What `predict` does with ids that training never saw. */
export interface PredictOptions {
  /** Default: the model's `unknownUser`, 'mean' where it has none. */
  unknown?: UnknownIds | undefined;
}

/** What `predictRows` does with row 0 of the users. */
export interface PredictRowsOptions {
  /** Default: the model's `unknownUser`, 'mean' where it has none. */
  unknown?: UnknownUser | undefined;
}

/**
 * Predicted ratings of pairs, users[k] with items[k], in any number. A user whom training never saw is predicted as the mean
 * of the trained users, or by fastai's `#na#` row (see `UnknownUser`), and an unknown item by `#na#`; or either is refused with
 * `unknown: 'error'`.
 *
 * @returns [users.length]
 * @throws RangeError if the lengths differ, or for an unknown id with `unknown: 'error'`; TypeError unless both are arrays;
 *   DotbiasError for a prediction that is not finite
 */
export async function predictPairs(
  model: TrainedModel,
  users: ArrayLike<Id>,
  items: ArrayLike<Id>,
  options: PredictOptions = {},
): Promise<Float32Array> {
  checkOptions('predict', options, ['unknown']);
  const { unknown = unknownUserOf(model) } = options;
  const rows = [rowsOf(model.info.users, users, 'user', unknown), rowsOf(model.info.items, items, 'item', unknown)] as const;
  return predictRows(model, ...rows, unknown === 'error' ? {} : { unknown });
}

/**
 * As `predictPairs`, by rows of the user table and of the item table, 0 being an unknown user or item.
 * @throws RangeError for a row that does not exist, or if the lengths differ; DotbiasError for a prediction that is not finite
 */
export async function predictRows(
  model: TrainedModel,
  users: ArrayLike<number>,
  items: ArrayLike<number>,
  options: PredictRowsOptions = {},
): Promise<Float32Array> {
  checkOptions('predictRows', options, ['unknown']);
  const { embeddings, info } = model;
  const { range, score } = info;
  const { unknown = unknownUserOf(model) } = options;
  checkChoice('unknown', unknown, ['mean', 'na']);
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
  const known = await withoutUnknown(users, () => rowOfUnknownUser(embeddings, unknown));
  return gpu.withScope(async (scope) => {
    const ratings = scope.allocate('pairs', packed.words.byteLength);
    const yHat = scope.allocate('yHat', 4 * chunk);
    const binding = pipeline.bind(scope, { ratings, param, yHat }, { factorVecs, rowVecs });
    for (let first = 0; first < users.length; first += chunk) {
      const nPairs = Math.min(chunk, users.length - first);
      packRatings(packed, { users: known, items }, nUsers, nPairs, first);
      gpu.write(ratings, packed.slice(0, nPairs));
      gpu.record('predict').dispatch(binding, nPairs, { nPairs }).submit();
      all.set(await gpu.readFloats(yHat, 0, nPairs), first);
    }
    const bad = all.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const [user, item] = [info.users.idOf(users[bad]), info.items.idOf(items[bad])];
      throw new DotbiasError(`The prediction for user ${show(user)} and item ${show(item)} is not finite: ${NOT_FINITE}`);
    }
    return all;
  });
}

/** User rows with another one in place of row 0, if there is one. */
async function withoutUnknown(users: ArrayLike<number>, row: () => Promise<number>): Promise<ArrayLike<number>> {
  if (!Array.prototype.includes.call(users, 0)) return users;
  const stand = await row();
  return Uint32Array.from(users, (user) => (user === 0 ? stand : user));
}

/** As `checkWhole`, without a text for each of millions of pairs. */
const isRow = (row: number, nRows: number) => row >= 0 && row < nRows && Number.isInteger(row);
