import { checkOptions, checkWhole } from '../base/check.js';
import { countBy } from '../base/group-by.js';
import type { CollabLearner } from '../train/learner.js';

/** Ratings beside their predictions, in columns of equal length. */
export interface RatingPredictions {
  ratings: ArrayLike<number>;
  predictions: ArrayLike<number>;
}

/** Validation ratings beside their predictions, with how much training knew of their users and items, each [n]. */
export interface ValidPredictions extends RatingPredictions {
  ratings: Float32Array;
  predictions: Float32Array;
  /** Number of training ratings of the user. */
  userCounts: Uint32Array;
  /** Number of training ratings of the item. */
  itemCounts: Uint32Array;
}

/** How many predictions `validPredictions` makes. */
export interface ValidPredictionsOptions {
  /** At most so many, evenly spread over the validation ratings. Default: all. */
  most?: number | undefined;
}

/**
 * Predicts the validation ratings of a learner; what `residuals` and `errorByCount` are made of.
 *
 * @throws RangeError unless `most` is a whole number of at least 1
 */
export async function validPredictions(learn: CollabLearner, options: ValidPredictionsOptions = {}): Promise<ValidPredictions> {
  checkOptions('validPredictions', options, ['most']);
  const { valid, train, nUsers, nItems, nValid } = learn.data;
  const { most = Math.max(1, nValid) } = options;
  checkWhole('most', most);
  const stride = Math.max(1, Math.ceil(nValid / most));
  const thin = <T extends Uint32Array | Float32Array>(column: T) =>
    stride === 1 ? column : (column.filter((_, k) => k % stride === 0) as T);
  const [users, items, ratings] = [thin(valid.users), thin(valid.items), thin(valid.ratings)];
  const predictions = await learn.predictRows(users, items);
  const countsOf = (rows: Uint32Array, counts: Uint32Array) => rows.map((row) => counts[row]);
  return {
    ratings,
    predictions,
    userCounts: countsOf(users, countBy(train.users, nUsers)),
    itemCounts: countsOf(items, countBy(train.items, nItems)),
  };
}
