import { Rating } from '../../shaders/ops/structs.js';
import type { CollabData } from '../data/collab-data.js';
import type { Gpu } from '../gpu/gpu.js';
import { type ModelShape, RowLayout, type Tables } from '../model/layout.js';
import { copiesAreApart } from '../model/tables.js';
import { lazyStepper } from '../steps/lazy.js';
import type { BatchesOn, StepOptions, StepperFactory, StepperName } from '../steps/stepper.js';
import type { LearnerOptions } from './options.js';

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
  { stepper, calibrations }: Pick<LearnerOptions, 'stepper' | 'calibrations'>,
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
    // Read on demand: few ask for a trial.
    const { fastest } = await import('./fastest-stepper.js');
    const factories = names.map((name) => STEPPERS[name]);
    const factory = await fastest(gpu, calibrations, data, shape, makeTables, step, factories);
    return made(factory, `Steps are ${factory.name}, the fastest by trial on this adapter.`);
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
