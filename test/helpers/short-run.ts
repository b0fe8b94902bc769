/** One short run of a small learner, and all that it leaves. */
import type { CollabData } from '../../src/data/collab-data.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { collabLearner } from '../../src/train/make-learner.js';
import type { LearnerOptions } from '../../src/train/options.js';
import { smallData } from './data.js';
import { sharedGpu } from './gpu.js';

export const data = smallData();

/** A learner of the small data, to be released. */
export async function makeLearner(options: LearnerOptions = {}, of: CollabData = data): Promise<CollabLearner> {
  return collabLearner(of, { gpu: await sharedGpu(), nFactors: 8, yRange: [0, 5.5], wd: 0.1, ...options });
}

/** Everything that a learner's life leaves: losses, tables and validation. Gives the learner's memory back. */
export async function outcomeOf(learn: CollabLearner): Promise<number[]> {
  const { userFactors, itemFactors, userBias, itemBias } = await learn.tables();
  const { loss, mse, mae } = await learn.validate();
  learn.release();
  return [...learn.history.losses, ...userFactors, ...itemFactors, ...userBias, ...itemBias, loss, mse, mae];
}

/** The outcome of one learner. */
export async function run(
  options: LearnerOptions = {},
  fit: (learn: CollabLearner) => Promise<unknown> = (learn) => learn.fitOneCycle(1, 0.01),
  of: CollabData = data,
): Promise<number[]> {
  const learn = await makeLearner(options, of);
  await fit(learn);
  return outcomeOf(learn);
}
