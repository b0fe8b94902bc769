import { VERSION } from '../base/version.js';
import type { CollabData } from '../data/collab-data.js';
import type { Gpu } from '../gpu/gpu.js';
import type { ModelShape, Tables } from '../model/layout.js';
import { EmbeddingTables } from '../model/tables.js';
import { constant } from '../schedule/schedule.js';
import type { StepOptions, StepperFactory } from '../steps/stepper.js';
import type { CalibrationStore } from './options.js';
import { Trainer } from './trainer.js';

const known = new Map<string, string>();
const inMemory: CalibrationStore = { get: async (key) => known.get(key), set: async (key, value) => void known.set(key, value) };

/** Steps of a dense trial; the others need a whole submission to be judged, for they pass over all rows once in each. */
const DENSE_STEPS = 16;

/**
 * The fastest of some steppers for these sizes on this device, by a trial of each on the first batches with a model of its
 * own. The answer is remembered by version, adapter and sizes. All give the same numbers up to rounding; a choice by time
 * means that the last bits may differ between two machines, or after the memory is lost.
 */
export async function fastest(
  gpu: Gpu,
  calibrations: CalibrationStore | undefined,
  data: CollabData,
  shape: ModelShape,
  makeTables: () => Tables,
  step: StepOptions,
  factories: readonly StepperFactory[],
): Promise<StepperFactory> {
  data.share?.refuse("stepper: 'auto'");
  const store = calibrations ?? inMemory;
  const { batchSize, range, score, loss, optimizer } = step;
  const ops = [range, score, loss, optimizer].map(({ name }) => name);
  const isLong = data.nTrain >= 4 * batchSize;
  const sizes = [JSON.stringify(shape), batchSize, isLong, step.stepsPerSubmission ?? 'usual'];
  const key = [VERSION, gpu.info.description, ...sizes, ...ops, factories.map(({ name }) => name)].join(' ');
  const found = await store.get(key);
  const remembered = factories.find(({ name }) => name === found);
  if (remembered !== undefined) return remembered;
  let best = factories[0];
  let least = Infinity;
  for (const factory of factories) {
    const seconds = await secondsPerStep(gpu, data, shape, makeTables, step, factory);
    if (seconds < least) [best, least] = [factory, seconds];
  }
  await store.set(key, best.name);
  return best;
}

/** The better of two trials, after one to warm up. */
async function secondsPerStep(
  gpu: Gpu,
  data: CollabData,
  shape: ModelShape,
  makeTables: () => Tables,
  step: StepOptions,
  factory: StepperFactory,
): Promise<number> {
  const tables = new EmbeddingTables(gpu, shape, { nCopies: factory.nCopies ?? 1, nState: step.optimizer.nState });
  let trainer: Trainer | undefined;
  try {
    tables.writeTables(makeTables());
    const order = Uint32Array.from({ length: data.nTrain }, (_, row) => row);
    trainer = await Trainer.create(tables, data, step, () => order, factory);
    const totalSteps = factory.name === 'dense' ? Math.min(DENSE_STEPS, trainer.maxSteps) : trainer.maxSteps;
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
    tables.release();
  }
}
