import type { CollabData } from '../data/collab-data.js';
import { onGpu, openGpu } from '../gpu/acquire.js';
import { type Gpu, READBACK_BYTES } from '../gpu/gpu.js';
import { initialTables } from '../model/initial.js';
import { Strata } from '../data/strata.js';
import { PartedTables } from '../model/parted-tables.js';
import { EmbeddingTables } from '../model/tables.js';
import { batchesOn, chooseStepper } from './choose-stepper.js';
import { divide } from './divide.js';
import { CollabLearner } from './learner.js';
import { type CheckedOptions, checkLearnerOptions, type LearnerOptions } from './options.js';
import { Trainer } from './trainer.js';
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
  const { order, nParts, note } = divide(gpu, data, shape, options, seed, stepping.factory);
  const batches = batchesOn(options, gpu, data.nTrain, stepping, order instanceof Strata);
  const kept = { nCopies: stepping.factory.nCopies ?? 1, nState: step.optimizer.nState };
  const strata = order instanceof Strata ? order : undefined;
  const tables =
    strata && nParts > 1 ? new PartedTables(gpu, shape, strata, nParts, kept, options.ring) : new EmbeddingTables(gpu, shape, kept);
  const parts: Promise<Trainer | Validator>[] = [];
  try {
    tables.writeTables(makeTables());
    // Kernels of both compile side by side.
    const trainer = Trainer.create(tables, data, step, order, stepping.factory, batches, options.ring);
    const validator = Validator.create(tables, data.valid, step, checked.unknownUser, strata, options.ring);
    parts.push(trainer, validator);
    const made = await Promise.all([trainer, validator]);
    gpu.checkMemory(READBACK_BYTES, 'Reading results back');
    const told = { ...stepping, why: note ?? stepping.why, note: made[0].stepper.note };
    return new CollabLearner(tables, data, checked, told, ...made, ownsGpu);
  } catch (error) {
    for (const part of await Promise.allSettled(parts)) if (part.status === 'fulfilled') part.value.release();
    tables.release();
    throw error;
  }
}
