/** Ensembles: several models of one fold, trained with different seeds, whose predictions are averaged. */
import { predictRows } from '../answer/predict.js';
import type { TrainedModel } from '../answer/trained-model.js';
import { checkSeed, checkWhole } from '../base/check.js';

/**
 * The seed of a member of an ensemble. Member 0 has the seed of the fold, each other one a seed far from those of other folds.
 *
 * @param seed whole number in [0, 2^32)
 * @param member whole number from 0
 * @throws RangeError if one of them is out of range
 */
export function memberSeed(seed: number, member: number): number {
  checkSeed(seed);
  checkWhole('member', member, 0);
  return (seed + Math.imul(member, 0x9e3779b1)) >>> 0;
}

/** Mean predicted ratings of pairs, users[k] with items[k], by table row. */
export function meanPrediction(
  members: readonly TrainedModel[],
  users: ArrayLike<number>,
  items: ArrayLike<number>,
): Promise<Float64Array> {
  return meanOf(members, (model) => predictRows(model, users, items));
}

/** The mean of what the members predict, one after the other. */
export async function meanOf<M>(members: readonly M[], predict: (member: M) => Promise<Float32Array>): Promise<Float64Array> {
  const [first, ...others] = members;
  const sum = Float64Array.from(await predict(first));
  for (const member of others) {
    const yHat = await predict(member);
    for (let k = 0; k < sum.length; k++) sum[k] += yHat[k];
  }
  return sum.map((each) => each / members.length);
}
