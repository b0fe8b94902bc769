import type { CollabData } from '../data/collab-data.js';
import type { Gpu } from '../gpu/gpu.js';
import { EmbeddingTables, type ModelShape, type Tables } from '../model/tables.js';
import { copiesOf, type StepperName, type StepOptions } from '../steps/stepper.js';
import { constant } from '../schedule/schedule.js';
import { Trainer } from './trainer.js';
import { VERSION } from '../base/version.js';

/** Steps of a dense trial; the other steppers need a whole submission to be judged, for they pass over all rows once in each. */
const DENSE_STEPS = 16;

/**
 * The fastest of `candidates` for these sizes on this device, by a trial of each on the first batches with a model of its
 * own. The answer is remembered in `gpu.calibrations`, by version, adapter and sizes. All steppers give the same numbers up to
 * rounding; a choice by time means that the last bits may differ between two machines, or after the memory is lost.
 */
export async function calibratedStepper(
  gpu: Gpu,
  data: CollabData,
  shape: ModelShape,
  makeTables: () => Tables,
  step: StepOptions,
  candidates: readonly StepperName[],
): Promise<StepperName> {
  const { batchSize, yRange, loss } = step;
  const key = [
    VERSION,
    gpu.info.description,
    JSON.stringify(shape),
    batchSize,
    data.nTrain >= 4 * batchSize,
    yRange === null,
    loss.name,
    candidates,
  ].join(' ');
  const known = await gpu.calibrations.get(key);
  const remembered = candidates.find((stepper) => stepper === known);
  if (remembered !== undefined) return remembered;
  let fastest = candidates[0];
  let least = Infinity;
  for (const stepper of candidates) {
    const seconds = await secondsPerStep(gpu, data, shape, makeTables, step, stepper);
    if (seconds < least) [fastest, least] = [stepper, seconds];
  }
  await gpu.calibrations.set(key, fastest);
  return fastest;
}

/** The better of two trials, after one to warm up. */
async function secondsPerStep(
  gpu: Gpu,
  data: CollabData,
  shape: ModelShape,
  makeTables: () => Tables,
  step: StepOptions,
  stepper: StepperName,
): Promise<number> {
  const model = new EmbeddingTables(gpu, shape, copiesOf(stepper));
  let trainer: Trainer | undefined;
  try {
    model.writeTables(makeTables());
    const order = Uint32Array.from({ length: data.nTrain }, (_, row) => row);
    trainer = await Trainer.create(model, data, step, () => order, stepper);
    const totalSteps = stepper === 'dense' ? Math.min(DENSE_STEPS, trainer.maxSteps) : trainer.maxSteps;
    const schedule = constant({ totalSteps, lr: 1e-3 });
    const trials: number[] = [];
    for (let trial = 0; trial < 3; trial++) {
      const started = performance.now();
      await trainer.fit(schedule, { stopOnNaN: false });
      trials.push((performance.now() - started) / 1000 / totalSteps);
    }
    return Math.min(...trials.slice(1));
  } finally {
    trainer?.release();
    model.release();
  }
}
