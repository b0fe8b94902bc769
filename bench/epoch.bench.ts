/** Whole training runs: the tutorial's five epochs in processes of their own, and a grid of batch sizes, factors and steppers. */
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { StepperName } from '../src/steps/stepper.js';
import { collabLearner } from '../src/train/make-learner.js';
import { checkSteps } from './check.js';
import type { FitOnce } from './fit-once.js';
import { repeat, spread, summarise } from './measure.js';
import { inOwnProcess } from './own-process.js';
import type { Section } from './report.js';
import { EPOCHS, LR_MAX, TUTORIAL, split, type Workload } from './workload.js';

/** The tutorial from a cold start, `runs` times: a new process opens the adapter, compiles, trains five epochs, validates. */
export async function benchTutorial(runs: number, adapter: string): Promise<Section> {
  const fits: (FitOnce & { wall: number })[] = [];
  for (let i = 0; i < runs; i++) {
    const { result, seconds } = await inOwnProcess<FitOnce>('fit-once.js', adapter);
    fits.push({ ...result, wall: seconds });
  }
  const { nSteps, batchSize, mse, data } = fits[0];
  const row = (what: string, unit: string, value: (fit: FitOnce & { wall: number }) => number) => {
    const timing = summarise(fits.map(value));
    return { what, value: timing.median, unit, spread: spread(timing) };
  };
  return {
    title: `The tutorial from a cold start: ${data}, batch ${batchSize}, ${TUTORIAL.nFactors} factors, ${EPOCHS} epochs`,
    notes: [`Processes: ${runs}. Steps of each: ${nSteps.toLocaleString('en')}. Validation MSE of the first: ${mse.toFixed(4)}.`],
    rows: [
      row('process, start to end', 's', (fit) => fit.wall),
      row('reading the ratings', 's', (fit) => fit.readSeconds),
      row('opening the adapter', 's', (fit) => fit.openSeconds),
      row('compiling kernels, making the model', 's', (fit) => fit.createSeconds),
      row('training', 's', (fit) => fit.trainSeconds),
      row('validating, five times', 's', (fit) => fit.validateSeconds),
      row('a training step', 'us', (fit) => (1e6 * fit.trainSeconds) / nSteps),
      row('ratings per second', '1/s', (fit) => (nSteps * batchSize) / fit.trainSeconds),
      row('peak memory of the process', 'MiB', (fit) => fit.processMiB),
      row('peak memory of the device', 'MiB', (fit) => fit.gpuMiB),
    ],
  };
}

export interface GridOptions {
  batchSizes: readonly number[];
  nFactors: readonly number[];
  /** Steppers to compare at the first batch size and 40 factors; everywhere else only the first one runs. */
  steppers: readonly StepperName[];
  repeats: number;
  /** The fewest steps of a timed fit. */
  minSteps: number;
}

/** Microseconds per training step, across sizes and steppers. */
export async function benchGrid(
  gpu: Gpu,
  workload: Workload,
  { batchSizes, nFactors, steppers, repeats, minSteps }: GridOptions,
): Promise<Section> {
  const rows: Section['rows'] = [];
  let worst = 0;
  const measure = async (data: CollabData, d: number, stepper: StepperName) => {
    const { batchSize } = data;
    worst = Math.max(worst, await checkSteps(gpu, data, stepper, batchSize <= 256 ? 8 : 2, d));
    const learn = await collabLearner(data, { ...TUTORIAL, nFactors: d, stepper, gpu });
    const { stepsPerEpoch } = learn.trainer;
    const epochs = Math.max(1, Math.ceil(minSteps / stepsPerEpoch));
    const timing = await repeat(repeats, async () => {
      const records = await learn.fitOneCycle(epochs, LR_MAX);
      return (1e6 * records.reduce((sum, { trainSeconds }) => sum + trainSeconds, 0)) / (epochs * stepsPerEpoch);
    });
    learn.release();
    rows.push({
      stepper,
      batch: batchSize,
      d,
      'us per step': timing.median,
      spread: spread(timing),
      'ratings/s': (1e6 * batchSize) / timing.median,
      'steps timed': epochs * stepsPerEpoch,
      [`${EPOCHS} epochs, s`]: (timing.median * EPOCHS * stepsPerEpoch) / 1e6,
    });
  };
  for (const batchSize of batchSizes) {
    const data = split(workload, batchSize);
    if (batchSize === batchSizes[0]) for (const stepper of steppers.slice(1)) await measure(data, TUTORIAL.nFactors, stepper);
    for (const d of nFactors) await measure(data, d, steppers[0]);
  }
  return {
    title: `Training steps, ${workload.name}`,
    notes: [
      `The losses of the first steps were within ${worst.toExponential(1)} of the float64 reference's before a row was timed.`,
      `With the host's work: order of the epoch, grouping, upload, readback of the losses. ${EPOCHS} epochs: calculated.`,
    ],
    rows,
  };
}
