import { Rating } from '../../shaders/ops/structs.js';
import { VERSION } from '../base/version.js';
import type { CollabData } from '../data/collab-data.js';
import type { Gpu } from '../gpu/gpu.js';
import { type ModelShape, RowLayout, type Tables } from '../model/layout.js';
import { copiesAreApart, EmbeddingTables } from '../model/tables.js';
import { constant } from '../schedule/schedule.js';
import { lazyStepper } from '../steps/lazy.js';
import type { BatchesOn, StepOptions, StepperFactory, StepperName } from '../steps/stepper.js';
import type { CalibrationStore, LearnerOptions } from './options.js';
import { Trainer } from './trainer.js';

/** Our steppers by name. */
export const STEPPERS: Readonly<Record<StepperName, StepperFactory & { name: StepperName }>> = {
  unfused: { name: 'unfused', create: async (input) => (await import('../steps/dense.js')).denseStepper(input, false) },
  dense: { name: 'dense', create: async (input) => (await import('../steps/dense.js')).denseStepper(input) },
  lazy: { name: 'lazy', nCopies: 2, create: (input) => lazyStepper(input, false) },
  persistent: { name: 'persistent', nCopies: 2, create: (input) => lazyStepper(input, true) },
};

/** How steps are made, and why. */
export interface Stepping {
  readonly factory: StepperFactory;
  /** A sentence for people. */
  readonly why: string;
  /** Where the host makes batches of lazy steps, and why: another sentence. */
  readonly note?: string | undefined;
  /** True where lazy steps would be faster, but cannot do what is asked. */
  readonly isFallback: boolean;
}

/**
 * The stepper of a learner: the one asked for, else a rule that follows from the optimiser and from sizes alone, so that
 * the same options give the same bits.
 *
 * @throws RangeError for a stepper that cannot do what is asked
 */
export async function chooseStepper(
  { stepper, calibrations = inMemory }: Pick<LearnerOptions, 'stepper' | 'calibrations'>,
  gpu: Gpu,
  data: CollabData,
  shape: ModelShape,
  makeTables: () => Tables,
  step: StepOptions,
): Promise<Stepping> {
  const obstacle = lazyObstacle(step);
  const isApart = copiesAreApart(gpu, new RowLayout(shape));
  const made = (factory: StepperFactory, why: string) => ({ factory, why: why + copiesNote(factory, isApart), isFallback: false });
  const asked = (factory: StepperFactory) => made(factory, `Steps are ${factory.name}, as asked for.`);
  if (typeof stepper === 'object') return asked(stepper);
  if (stepper === 'auto') {
    const names: StepperName[] = obstacle === undefined ? ['lazy', 'persistent', 'dense'] : ['dense'];
    const name = await fastest(gpu, calibrations, data, shape, makeTables, step, names);
    return made(STEPPERS[name], `Steps are ${name}, the fastest by trial on this adapter.`);
  }
  if (stepper !== undefined) {
    const factory = STEPPERS[stepper];
    if (factory.nCopies !== 2 || obstacle === undefined) return asked(factory);
    throw new RangeError(`Steps cannot be ${stepper}: ${obstacle}. Train with stepper: 'dense'.`);
  }
  if (obstacle !== undefined) {
    const why = `Steps are dense, updating every row in every step, which is slower: ${obstacle}.`;
    return { factory: STEPPERS.dense, why, isFallback: true };
  }
  return made(STEPPERS.lazy, 'Steps are lazy: they touch only the rows of the batch.');
}

/**
 * Where the batches of a learner are made.
 * @throws RangeError if that is to be the device, but steps are such that the host must
 */
export function batchesOn(
  { batches, order }: Pick<LearnerOptions, 'batches' | 'order'>,
  gpu: Gpu,
  nTrain: number,
  { factory }: Stepping,
  isStrata: boolean,
): BatchesOn {
  const isPossible = factory === STEPPERS.lazy || factory === STEPPERS.persistent;
  if (batches === 'device' && !isPossible) {
    throw new RangeError(`Only lazy and persistent steps can have their batches made on the device, and these are ${factory.name}.`);
  }
  // All training ratings are bound at once.
  const fits = 4 * Rating.size * nTrain <= gpu.maxBinding;
  return batches ?? (isPossible && fits && order === undefined && !isStrata && !gpu.info.isSoftware ? 'device' : 'host');
}

/** What to add where the two copies of the parameters do not fit one binding. */
const copiesNote = ({ nCopies }: StepperFactory, isApart: boolean) =>
  isApart && nCopies === 2 ? ' The two copies of the parameters are bound apart, for one binding does not hold both.' : '';

/** Why steps cannot be lazy; undefined if they can. */
function lazyObstacle({ optimizer }: StepOptions): string | undefined {
  return optimizer.idle === undefined ? `the optimiser ${optimizer.name} has no closed form for idle steps` : undefined;
}

const known = new Map<string, string>();
const inMemory: CalibrationStore = { get: async (key) => known.get(key), set: async (key, value) => void known.set(key, value) };

/** Steps of a dense trial; the others need a whole submission to be judged, for they pass over all rows once in each. */
const DENSE_STEPS = 16;

/**
 * The fastest of `names` for these sizes on this device, by a trial of each on the first batches with a model of its
 * own. The answer is remembered by version, adapter and sizes. All give the same numbers up to rounding; a choice by time
 * means that the last bits may differ between two machines, or after the memory is lost.
 */
async function fastest(
  gpu: Gpu,
  calibrations: CalibrationStore,
  data: CollabData,
  shape: ModelShape,
  makeTables: () => Tables,
  step: StepOptions,
  names: readonly StepperName[],
): Promise<StepperName> {
  const { batchSize, range, score, loss, optimizer } = step;
  const ops = [range, score, loss, optimizer].map(({ name }) => name);
  const isLong = data.nTrain >= 4 * batchSize;
  const sizes = [JSON.stringify(shape), batchSize, isLong, step.stepsPerSubmission ?? 'usual'];
  const key = [VERSION, gpu.info.description, ...sizes, ...ops, names].join(' ');
  const found = await calibrations.get(key);
  const remembered = names.find((name) => name === found);
  if (remembered !== undefined) return remembered;
  let best = names[0];
  let least = Infinity;
  for (const name of names) {
    const seconds = await secondsPerStep(gpu, data, shape, makeTables, step, STEPPERS[name]);
    if (seconds < least) [best, least] = [name, seconds];
  }
  await calibrations.set(key, best);
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
