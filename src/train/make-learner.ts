import type { CollabData } from '../data/collab-data.js';
import { onGpu, openGpu } from '../gpu/acquire.js';
import { type Gpu, READBACK_BYTES } from '../gpu/gpu.js';
import { initialTables } from '../model/initial.js';
import { EmbeddingTables, fitsOneBinding, type ModelTables } from '../model/tables.js';
import { batchesOn, chooseStepper } from './choose-stepper.js';
import { CollabLearner } from './learner.js';
import { type CheckedOptions, checkLearnerOptions, type LearnerOptions } from './options.js';
import { Trainer } from './trainer.js';
import { checkedOrder, randomOrder } from './order.js';
import { Validator } from './validator.js';

/** The batches that a learner trains on: what the choice of a device may depend on. */
export interface BatchShape {
  /** Ratings per training step. */
  batchSize: number;
  /** Length of a user's and an item's vector. */
  nFactors: number;
  /** False: a model of factors only. Default true. */
  bias?: boolean | undefined;
}

/**
 * A model, its data and its optimiser: what fastai calls a Learner. Starting values are fastai's, drawn from `seed`.
 *
 * @param open opens a device for such batches where none is given. Default: `openGpu` of the core
 * @throws RangeError or TypeError for a wrong option; MemoryBudgetError if the model does not fit; NoAdapterError without
 *   WebGPU. Nothing stays allocated then
 */
export async function collabLearner(
  data: CollabData,
  options: LearnerOptions = {},
  open: (batch: BatchShape) => Promise<Gpu> = () => openGpu(),
): Promise<CollabLearner> {
  const checked = checkLearnerOptions(data, options);
  const batch = { batchSize: data.batchSize, nFactors: checked.nFactors, bias: checked.hasBias };
  return onGpu(
    options.gpu,
    () => open(batch),
    (gpu, ownsGpu) => makeLearner(gpu, data, options, checked, ownsGpu),
  );
}

async function makeLearner(
  gpu: Gpu,
  data: CollabData,
  options: LearnerOptions,
  checked: CheckedOptions,
  ownsGpu: boolean,
): Promise<CollabLearner> {
  const { step, nFactors, hasBias, seed } = checked;
  const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors, hasBias };
  const makeTables = () => options.init ?? initialTables(shape, seed);
  const stepping = await chooseStepper(options, gpu, data, shape, makeTables, step);
  const { factory } = stepping;
  const { nState } = step.optimizer;
  const isTooLarge = factory.nCopies === 2 && !fitsOneBinding(gpu, shape);
  const inStrata = (options.strata ?? 1) > 1 || (options.ring?.size ?? 1) > 1 || isTooLarge || data.share !== undefined;
  // Read on demand: most trainings have no strata, and a page is smaller by it.
  const division = inStrata ? (await import('./divide.js')).divide(gpu, data, shape, options, seed, factory, nState) : undefined;
  const order = division?.order ?? (options.order ? checkedOrder(data.nTrain, options.order) : randomOrder(data.nTrain, seed));
  const tables: ModelTables = division?.tables ?? new EmbeddingTables(gpu, shape, { nCopies: factory.nCopies ?? 1, nState });
  const parts: Promise<Trainer | Validator>[] = [];
  try {
    const batches = batchesOn(options, gpu, data.nTrain, stepping, inStrata);
    if (options.init === undefined && tables.writeInitial) tables.writeInitial(seed);
    else tables.writeTables(makeTables());
    // Kernels of both compile side by side.
    const trainer = Trainer.create(tables, data, step, order, factory, batches, options.ring);
    const validator = Validator.create(tables, data.valid, step, checked.unknownUser, division?.order, options.ring, data.share);
    parts.push(trainer, validator);
    const made = await Promise.all([trainer, validator]);
    gpu.checkMemory(READBACK_BYTES, 'Reading results back');
    const told = { ...stepping, why: division?.note ?? stepping.why, note: made[0].stepper.note };
    return new CollabLearner(tables, data, checked, told, ...made, ownsGpu);
  } catch (error) {
    for (const part of await Promise.allSettled(parts)) if (part.status === 'fulfilled') part.value.release();
    tables.release();
    throw error;
  }
}
