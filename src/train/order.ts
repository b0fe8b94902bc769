import { show } from '../base/check.js';
import { fillPermutation, permutationKey, STREAM } from '../base/random.js';

/** The training rows of an epoch, epochs counted over a learner's life, in the order in which batches take them. */
export interface EpochOrder {
  (epoch: number): Uint32Array;
  /** Where the order of every epoch is a permutation (`permute`): its key, from which the rows can be made anywhere. */
  readonly key?: ((epoch: number) => number) | undefined;
}

/** A keyed bijection of the positions: the same seed and epoch give the same order. */
export function randomOrder(nTrain: number, seed: number): EpochOrder {
  const key = (epoch: number) => permutationKey(seed, STREAM.ORDER, epoch);
  const order = (epoch: number) => {
    const rows = new Uint32Array(nTrain);
    fillPermutation(rows, key(epoch));
    return rows;
  };
  return Object.assign(order, { key });
}

/** An order of the caller's, each epoch checked: every row once. @throws TypeError or RangeError as it is asked for */
export function checkedOrder(nTrain: number, order: EpochOrder): EpochOrder {
  return (epoch) => {
    const rows = order(epoch);
    const which = `order(${epoch})`;
    if (!(rows instanceof Uint32Array)) throw new TypeError(`${which} must be a Uint32Array, not ${show(rows)}.`);
    if (rows.length !== nTrain) throw new RangeError(`${which} must hold the ${nTrain} training rows, not ${rows.length}.`);
    const seen = new Uint8Array(nTrain);
    rows.forEach((row, k) => {
      if (row >= nTrain) throw new RangeError(`${which}[${k}] is ${row}, but training rows are 0 to ${nTrain - 1}.`);
      if (seen[row] === 1) throw new RangeError(`${which} names row ${row} twice.`);
      seen[row] = 1;
    });
    return rows;
  };
}
