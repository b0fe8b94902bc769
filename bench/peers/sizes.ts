/** At which sizes the peers are compared. */
import { EPOCHS } from '../workload.js';

/** Batch sizes of each set. ML-10M's shape takes 0.9 GB in each rival and is compared on request only. */
export const SETS: Readonly<Record<string, readonly number[]>> = {
  'ml-100k': [64, 4096, 65_536],
  'ml-1m': [4096, 65_536],
  'ml-10m': [65_536],
};
export const DEFAULT_SETS: readonly string[] = ['ml-100k', 'ml-1m'];

export interface Size {
  set: string;
  batchSizes: readonly number[];
}

/**
 * The sizes that the command line asked for.
 *
 * @param batch instead of the batch sizes of each set
 * @throws RangeError for a set that does not exist, or a batch size that is no whole number, at least 1
 */
export function sizesOf(sets: readonly string[] = DEFAULT_SETS, batch?: readonly string[] | undefined): Size[] {
  const given = batch?.map((text) => {
    const size = Number(text);
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`--batch must be a whole number, at least 1, not '${text}'.`);
    return size;
  });
  return sets.map((set) => {
    if (!Object.hasOwn(SETS, set)) throw new RangeError(`There is no set '${set}'; there are ${Object.keys(SETS).join(', ')}.`);
    return { set, batchSizes: given ?? SETS[set] };
  });
}

/** So many steps make a run worth timing. */
const ENOUGH_STEPS = 200;

/** The tutorial's five epochs, of a larger set one; more if they have too few steps. */
export function epochsFor(nTrain: number, batchSize: number): number {
  const stepsPerEpoch = Math.floor(nTrain / batchSize);
  if (stepsPerEpoch === 0) throw new RangeError(`A batch of ${batchSize} is more than the ${nTrain} ratings of the training set.`);
  return Math.max(nTrain <= 1_000_000 ? EPOCHS : 1, Math.ceil(ENOUGH_STEPS / stepsPerEpoch));
}
