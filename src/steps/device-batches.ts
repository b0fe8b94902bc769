import { copies } from '../../shaders/batches/copies.wgsl.js';
import { draw } from '../../shaders/batches/draw.wgsl.js';
import { fill } from '../../shaders/batches/fill.wgsl.js';
import { CHUNK, Member, RowTouch } from '../../shaders/ops/structs.js';
import type { Ratings } from '../data/ratings.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Binding } from '../gpu/pipeline.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';
import { compileSort, type DeviceBatchSizes, type RowSort, rowSort } from './row-sort.js';
import { sharedRatings } from './shared-ratings.js';

/** Consecutive batches of an epoch: those of the places [first, first + nSteps batchSize) of its order. */
export interface DeviceWindow {
  /** Of `permutationKey`: the order of the epoch. */
  key: number;
  first: number;
  nSteps: number;
}

/** The kernels of `DeviceBatches`, compiled. */
export type BatchPipelines = Awaited<ReturnType<typeof compileBatches>>;

/** Compiles the kernels of `DeviceBatches`, before anything is allocated. */
export async function compileBatches(gpu: Gpu) {
  const [drawn, copied, filled, sort] = await Promise.all([gpu.compile(draw), gpu.compile(copies), gpu.compile(fill), compileSort(gpu)]);
  return { draw: drawn, copies: copied, fill: filled, sort };
}

/**
 * Windows of steps made on the device: draw, copies, a sort (one dispatch for batches of at most 256, else three for each 8 bits
 * of the larger table's rows), fill. The host writes nothing, and its work does not grow with the batch. Each window is the one
 * that the host would make of the order `permute(n, key, place)`, but for the order of the touches within a side;
 * test/helpers/window-spec.ts specifies both.
 *
 * Bytes on the device, with S = maxSteps, B = batchSize, W = ceil((S + 1) / 32), T = ceil(B / 256): 12 per training rating
 * (shared), 48 S B for ratings being sorted, 16 S B members, 16 S (min(B, nUsers) + min(B, nItems)) touches,
 * 4 W nRows copies, 4 nRows entries, 16 S T chunks, and where B > 256 2048 S (T + 1) counts of digits.
 */
export class DeviceBatches {
  /** `RowTouch`es: step s has the slots [s nSlots, (s + 1) nSlots), the first `nUserSlots` those of users. An empty one is all zeros. */
  readonly touches: GPUBuffer;
  /** `Member`s: those of step s, side d begin at (2 s + d) batchSize. */
  readonly members: GPUBuffer;
  /** Where each row enters the window, [nRows]. */
  readonly entries: GPUBuffer;
  /**
   * The touch of each chunk of a long row (see shaders/batches/fill.wgsl.ts), or `NO_CHUNK`, [nSteps, 2, nBlocks, 2]: the chunk
   * in slot 2 b + (1 if first) begins at place 256 b + (place of the row's first member) mod 256 of its side.
   */
  readonly chunks: GPUBuffer;
  /** Slots of a step. */
  readonly nSlots: number;
  readonly nUserSlots: number;
  /** Blocks of 256 places of one side of a step. */
  readonly nBlocks: number;
  /** Dispatches of a window. */
  readonly nDispatches: number;

  readonly #sizes: DeviceBatchSizes;
  readonly #n: number;
  readonly #copies: GPUBuffer;
  readonly #sort: RowSort;
  readonly #draw: Binding<typeof draw>;
  readonly #makeCopies: Binding<typeof copies>;
  readonly #fill: Binding<typeof fill>;

  /** The scope owns all buffers. @throws MemoryBudgetError */
  constructor(scope: Scope, pipelines: BatchPipelines, train: Ratings, sizes: DeviceBatchSizes) {
    const { nUsers, nItems, batchSize, maxSteps } = sizes;
    this.#sizes = sizes;
    this.#n = train.ratings.length;
    this.nUserSlots = Math.min(batchSize, nUsers);
    this.nSlots = this.nUserSlots + Math.min(batchSize, nItems);
    this.nBlocks = Math.ceil(batchSize / CHUNK);
    const nRows = nUsers + nItems;
    const copyWords = Math.ceil((maxSteps + 1) / 32);

    const ratings = sharedRatings(scope, train);
    this.touches = scope.allocate('touches', 4 * RowTouch.size * this.nSlots * maxSteps);
    this.members = scope.allocate('members', 4 * Member.size * 2 * batchSize * maxSteps);
    this.entries = scope.allocate('entries', 4 * nRows);
    this.chunks = scope.allocate('chunks', 4 * 4 * this.nBlocks * maxSteps);
    this.#copies = scope.allocate('copies', 4 * copyWords * nRows);
    this.#sort = rowSort(scope, pipelines.sort, sizes);
    this.nDispatches = 3 + this.#sort.nDispatches;

    const { unsorted, sorted } = this.#sort;
    const buffers = { touches: this.touches, members: this.members, entries: this.entries, chunks: this.chunks, copies: this.#copies };
    const uniforms = { batchSize, nUsers, nItems, nRows, copyWords };
    this.#draw = pipelines.draw.bind(scope, { ...buffers, ratings, drawn: unsorted }, uniforms);
    this.#makeCopies = pipelines.copies.bind(scope, buffers, uniforms);
    this.#fill = pipelines.fill.bind(scope, { ...buffers, sorted }, uniforms);
  }

  /**
   * Records the dispatches that make a window; what comes after them in the recorder may read it.
   * @throws RangeError for places that the epoch does not have, or more steps than there is room for
   */
  record(recorder: Recorder, { key, first, nSteps }: DeviceWindow): Recorder {
    const { nUsers, nItems, batchSize, maxSteps } = this.#sizes;
    const nRatings = nSteps * batchSize;
    if (nSteps > maxSteps || first + nRatings > this.#n) {
      const window = `${nSteps} steps of ${batchSize} ratings from place ${first} on`;
      throw new RangeError(`DeviceBatches has no room for ${window}: it holds ${maxSteps} steps, and an epoch ${this.#n} ratings.`);
    }
    recorder.clear(this.#copies);
    recorder.dispatch(this.#draw, nRatings, { nRatings, n: this.#n, key, first });
    recorder.dispatch(this.#makeCopies, nUsers + nItems, { nSteps });
    this.#sort.record(recorder, 2 * nSteps);
    return recorder.dispatch(this.#fill, 2 * nRatings, { nSteps });
  }
}
