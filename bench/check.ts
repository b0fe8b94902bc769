/** What is timed must be right: the first steps of a run, against the float64 reference. */
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { StepperName } from '../src/steps/stepper.js';
import { ReferenceTrainer } from '../src/reference/trainer.js';
import { oneCycle } from '../src/schedule/schedule.js';
import { collabLearner } from '../src/train/make-learner.js';
import { EPOCHS, LR_MAX, TUTORIAL } from './workload.js';

const TOLERANCE = 1e-5;

/** Largest difference of the losses of the first `nSteps` steps, as a share of the loss. Throws above 1e-5. */
export async function checkSteps(
  gpu: Gpu,
  data: CollabData,
  stepper: StepperName,
  nSteps: number,
  nFactors: number = TUTORIAL.nFactors,
): Promise<number> {
  const { batchSize, train } = data;
  const order = Uint32Array.from({ length: data.nTrain }, (_, k) => k).sort((a, b) => ((a * 48271) % 65537) - ((b * 48271) % 65537));
  const learn = await collabLearner(data, { ...TUTORIAL, nFactors, stepper, gpu, order: () => order });
  const reference = new ReferenceTrainer(learn.embeddings.shape, await learn.embeddings.readTables(), learn.trainer.options);
  const { stepsPerEpoch } = learn.trainer;
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
    const rows = order.subarray(first, first + batchSize);
    const [users, items, ratings] = [train.users, train.items, train.ratings].map((column) => Array.from(rows, (row) => column[row]));
    const expected = reference.step(users, items, ratings, lr[step], beta1[step]);
    worst = Math.max(worst, Math.abs(loss - expected) / expected);
  });
  if (!(worst <= TOLERANCE) || losses.length !== Math.min(nSteps, lr.length)) {
    throw new Error(
      `Stepper '${stepper}', batch ${batchSize}, ${nFactors} factors: the losses of ${losses.length} steps are off by up to ${worst} ` +
        'of the reference. What is wrong is not timed.',
    );
  }
  return worst;
}
