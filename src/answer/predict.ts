import { Rating } from '../../shaders/ops/structs.js';
import { predict } from '../../shaders/answer/predict.wgsl.js';
import { checkChoice, checkOptions, checkWhole, show } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import type { Id } from '../data/ids.js';
import { forBuffers, groupPairs } from '../model/pairs.js';
import { rowsOf, type UnknownIds, type UnknownUser } from '../model/rows.js';
import { NOT_FINITE, type TrainedModel, unknownUserOf } from './trained-model.js';
import { usersFor } from './unknown-user.js';

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
  return gpu.withScope(async (scope) => {
    const from = await usersFor(embeddings, scope, unknown, users);
    const ratings = scope.allocate('pairs', 4 * Rating.size * chunk);
    const yHat = scope.allocate('yHat', 4 * chunk);
    const bind = forBuffers((vectors, itemRows) =>
      pipeline.bind(scope, { ratings, users: vectors, items: itemRows, yHat }, { factorVecs, rowVecs }),
    );
    for (let first = 0; first < users.length; first += chunk) {
      const nPairs = Math.min(chunk, users.length - first);
      const { packed, order, groups } = groupPairs(from, embeddings.items, { users, items }, first, nPairs);
      gpu.write(ratings, packed.words);
      const recorder = gpu.record('predict');
      for (const { user, item, begin, end } of groups) {
        recorder.dispatch(bind(from.blocks[user].buffer, embeddings.items.blocks[item].buffer), end - begin, { begin, end });
      }
      recorder.submit();
      const found = await gpu.readFloats(yHat, 0, nPairs);
      order.forEach((k, at) => (all[first + k] = found[at]));
    }
    const bad = all.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const [user, item] = [info.users.idOf(users[bad]), info.items.idOf(items[bad])];
      throw new DotbiasError(`The prediction for user ${show(user)} and item ${show(item)} is not finite: ${NOT_FINITE}`);
    }
    return all;
  });
}

/** As `checkWhole`, without a text for each of millions of pairs. */
const isRow = (row: number, nRows: number) => row >= 0 && row < nRows && Number.isInteger(row);
