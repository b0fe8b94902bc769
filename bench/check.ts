/** What is timed must be right: the first steps of a run, against the float64 reference. */
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import { ReferenceTrainer } from '../src/reference/trainer.js';
import { oneCycle } from '../src/schedule/schedule.js';
import type { LearnerOptions } from '../src/train/options.js';
import { collabLearner } from '../src/train/make-learner.js';
import { EPOCHS, LR_MAX, TUTORIAL } from './workload.js';

/** How steps are made. */
export type Way = Pick<LearnerOptions, 'stepper' | 'batches'>;

const TOLERANCE = 1e-5;

/** Largest difference of the losses of the first `nSteps` steps, as a share of the loss. Throws above 1e-5. */
export async function checkSteps(
  gpu: Gpu,
  data: CollabData,
  way: Way,
  nSteps: number,
  nFactors: number = TUTORIAL.nFactors,
): Promise<number> {
  const { batchSize, train } = data;
  const learn = await collabLearner(data, { ...TUTORIAL, nFactors, ...way, gpu });
  const reference = new ReferenceTrainer(learn.embeddings.shape, await learn.embeddings.readTables(), learn.trainer.options);
  const { stepsPerEpoch, order, stepper } = learn.trainer;
  const { lr, beta1, end } = oneCycle({ totalSteps: EPOCHS * stepsPerEpoch, lrMax: LR_MAX });
  const losses: number[] = [];
  await learn.trainer.fit(
    { lr: lr.slice(0, nSteps), beta1: beta1.slice(0, nSteps), end },
    { onSteps: (step, chunk) => chunk.forEach((loss, i) => (losses[step + i] = loss)) },
  );
  learn.release();

  let worst = 0;
  losses.forEach((loss, step) => {
    const first = (step % stepsPerEpoch) * batchSize;
    const rows = order(Math.floor(step / stepsPerEpoch)).subarray(first, first + batchSize);
    const [users, items, ratings] = [train.users, train.items, train.ratings].map((column) => Array.from(rows, (row) => column[row]));
    const expected = reference.step(users, items, ratings, lr[step], beta1[step]);
    worst = Math.max(worst, Math.abs(loss - expected) / expected);
  });
  if (!(worst <= TOLERANCE) || losses.length !== Math.min(nSteps, lr.length)) {
    throw new Error(
      `Steps '${stepper.name}', batches made on the ${stepper.batches ?? 'host'}, batch ${batchSize}, ${nFactors} factors: ` +
        `the losses of ${losses.length} steps are off by up to ${worst} of the reference. What is wrong is not timed.`,
    );
  }
  return worst;
}
