import type { CollabData } from '../data/collab-data.js';
import { ALONE } from '../base/ring.js';
import { Strata } from '../data/strata.js';
import type { Gpu } from '../gpu/gpu.js';
import type { ModelShape } from '../model/layout.js';
import { PartedTables, partsNeeded } from '../model/parted-tables.js';
import { EmbeddingTables, type ModelTables } from '../model/tables.js';
import type { StepperFactory } from '../steps/stepper.js';
import type { LearnerOptions } from './options.js';

/** In which order a model trains, and its tables, whole or in parts. */
export interface Division {
  readonly order: Strata;
  readonly tables: ModelTables;
  /** What to say of it, where it was not asked for: a sentence. */
  readonly note?: string | undefined;
}

/** Why there must be parts: the beginning of a message. */
const tooLarge = ({ info, maxBinding }: Gpu, shape: ModelShape) =>
  `A model of ${shape.nUsers} users, ${shape.nItems} items and ${shape.nFactors} factors does not fit one binding of ` +
  `${info.description}, ${Math.floor(maxBinding / 2 ** 20)} MiB.`;

/** Strata that a model gets which is too large for one binding, the first whose parts fit; and their passes. */
const USUAL_STRATA = [8, 16];
const USUAL_PASSES = 2;

/** Strata of training on several ranks, where none are asked for: they must be a multiple of the ranks. */
const strataOfRanks = (size: number) => (USUAL_STRATA[0] % size === 0 ? USUAL_STRATA[0] : size);

/**
 * The order of a training in strata, and the tables of its model: in one part for each rank, unless one binding does not hold a copy.
 *
 * @throws RangeError where parts are needed, or asked for, but cannot be; for strata that leave out too many ratings; MemoryBudgetError
 */
export function divide(
  gpu: Gpu,
  data: CollabData,
  shape: ModelShape,
  { strata: asked, passes = USUAL_PASSES, parts, order, ring = ALONE }: LearnerOptions,
  seed: number,
  { name, nCopies = 1 }: StepperFactory,
  nState: 0 | 1 | 2,
): Division {
  const kept = { nCopies, nState };
  const tablesIn = (nParts: number, made: Strata) =>
    nParts > 1 ? new PartedTables(gpu, shape, made, nParts, kept, ring) : new EmbeddingTables(gpu, shape, kept);
  const { share } = data;
  const make = (n: number) =>
    share
      ? Strata.ofShare(share, data.batchSize, { strata: n, passes, seed })
      : Strata.of(data.train, shape.nUsers, shape.nItems, data.batchSize, { strata: n, passes, seed });
  const needed = (each: Strata) => partsNeeded(gpu, shape, each, ring.size);
  const strata = asked ?? share?.strata ?? (ring.size > 1 ? strataOfRanks(ring.size) : undefined);
  if (ring.size > 1 && strata! % ring.size !== 0) {
    throw new RangeError(
      `strata must be a multiple of the ${ring.size} ranks, and ${strata} is none: give strata: ${strataOfRanks(ring.size)}.`,
    );
  }
  if (parts !== undefined && parts % ring.size !== 0) {
    throw new RangeError(
      `parts must be a multiple of the ${ring.size} ranks, which have equally many, and ${parts} is none: leave it out.`,
    );
  }
  share?.check(strata!, ring);
  if (strata !== undefined && strata > 1) {
    const made = make(strata);
    const nParts = parts ?? needed(made);
    if (nParts === undefined) throw new RangeError(`${tooLarge(gpu, shape)} Even ${strata} parts are too large: give more strata.`);
    if (nParts > 1 && nCopies !== 2)
      throw new RangeError(`Only lazy and persistent steps can train a model in parts, and these are ${name}.`);
    return { order: made, tables: tablesIn(nParts, made) };
  }
  if (strata === 1 || order !== undefined) {
    throw new RangeError(`${tooLarge(gpu, shape)} In strata it can train in parts: give strata: 8, and no order.`);
  }
  for (const n of USUAL_STRATA) {
    const made = make(n);
    const nParts = needed(made);
    if (nParts === undefined) continue;
    const how = `It trains in ${nParts} parts, in an order of ${n} strata and ${passes} passes: not the plain one.`;
    return { order: made, tables: tablesIn(nParts, made), note: `${tooLarge(gpu, shape)} ${how}` };
  }
  throw new RangeError(`${tooLarge(gpu, shape)} Even ${USUAL_STRATA.at(-1)} parts are too large: give more strata.`);
}
