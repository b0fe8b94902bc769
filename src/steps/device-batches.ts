import { copies } from '../../shaders/batches/copies.wgsl.js';
import { draw } from '../../shaders/batches/draw.wgsl.js';
import { CHUNK, fill } from '../../shaders/batches/fill.wgsl.js';
import { countDigits, scanDigits, scatterDigits, TILE } from '../../shaders/batches/sort.wgsl.js';
import { Member, RowTouch, SideRating } from '../../shaders/ops/structs.js';
import type { Ratings } from '../data/ratings.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';
import { sharedRatings } from './shared-ratings.js';

/** Bits of a row by which one pass of the sort goes. */
const DIGIT_BITS = 8;

/** Sizes of device-made batches. */
export interface DeviceBatchSizes {
  nUsers: number;
  nItems: number;
  batchSize: number;
  /** Steps of the longest window. */
  maxSteps: number;
}

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
  const [drawn, copied, counted, scanned, scattered, filled] = await Promise.all([
    gpu.compile(draw),
    gpu.compile(copies),
    gpu.compile(countDigits),
    gpu.compile(scanDigits),
    gpu.compile(scatterDigits),
    gpu.compile(fill),
  ]);
  return { draw: drawn, copies: copied, countDigits: counted, scanDigits: scanned, scatterDigits: scattered, fill: filled };
}

/**
 * Windows of steps made on the device: draw, copies, three dispatches for each 8 bits of the larger table's rows, fill. The host
 * writes nothing, and its work does not grow with the batch. Each window is the one that the host would make
 * of the order `permute(n, key, place)` (test/helpers/window-spec.ts says which), but for the order of the touches within a side.
 *
 * Bytes on the device, with S = maxSteps, B = batchSize, W = ceil((S + 1) / 32), T = ceil(B / 256): 12 per training rating
 * (shared), 48 S B for ratings under way, 16 S B members, 16 S (min(B, nUsers) + min(B, nItems)) touches,
 * 4 W nRows copies, 4 nRows entries, 2048 S (T + 1) counts of digits and 16 S T chunks.
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
  readonly #bound: ReturnType<typeof bindAll>;

  /** The scope owns all buffers. @throws MemoryBudgetError */
  constructor(scope: Scope, pipelines: BatchPipelines, train: Ratings, sizes: DeviceBatchSizes) {
    const { nUsers, nItems, batchSize, maxSteps } = sizes;
    this.#sizes = sizes;
    this.#n = train.ratings.length;
    this.nUserSlots = Math.min(batchSize, nUsers);
    this.nSlots = this.nUserSlots + Math.min(batchSize, nItems);
    this.nBlocks = Math.ceil(batchSize / CHUNK);
    const nRows = nUsers + nItems;
    const nRatings = 2 * maxSteps * batchSize;
    const nTiles = Math.ceil(batchSize / TILE);
    const copyWords = Math.ceil((maxSteps + 1) / 32);
    const nPasses = Math.ceil(Math.max(1, Math.log2(Math.max(nUsers, nItems))) / DIGIT_BITS);
    this.nDispatches = 3 + 3 * nPasses;

    const ratings = sharedRatings(scope, train);
    this.touches = scope.allocate('touches', 4 * RowTouch.size * this.nSlots * maxSteps);
    this.members = scope.allocate('members', 4 * Member.size * nRatings);
    this.entries = scope.allocate('entries', 4 * nRows);
    this.chunks = scope.allocate('chunks', 4 * 4 * this.nBlocks * maxSteps);
    this.#copies = scope.allocate('copies', 4 * copyWords * nRows);
    const sides = [0, 1].map((i) => scope.allocate(`ratings by side ${i}`, 4 * SideRating.size * nRatings));
    const digits = scope.allocate('digits', 4 * TILE * (nTiles + 1) * 2 * maxSteps);
    const { touches, members, entries, chunks } = this;
    const buffers = { ratings, touches, members, entries, chunks, copies: this.#copies, digits };
    const uniforms = { batchSize, nUsers, nItems, nRows, nTiles, copyWords };
    this.#bound = bindAll(scope, pipelines, buffers, sides, nPasses, uniforms);
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
    const bound = this.#bound;
    recorder.clear(this.#copies);
    recorder.dispatch(bound.draw, nRatings, { nRatings, n: this.#n, key, first });
    recorder.dispatch(bound.copies, nUsers + nItems, { nSteps });
    const nSegments = 2 * nSteps;
    const nTiles = nSegments * Math.ceil(batchSize / TILE);
    bound.passes.forEach(({ count, scatter }, pass) => {
      const tiles = { nGroups: nTiles, shift: DIGIT_BITS * pass };
      recorder.dispatchGroups(count, nTiles, tiles);
      recorder.dispatchGroups(bound.scan, nSegments, { nGroups: nSegments });
      recorder.dispatchGroups(scatter, nTiles, tiles);
    });
    return recorder.dispatch(bound.fill, 2 * nRatings, { nSteps });
  }
}

type Buffers = Readonly<Record<'ratings' | 'copies' | 'entries' | 'digits' | 'touches' | 'members' | 'chunks', GPUBuffer>>;
type Uniforms = Readonly<Record<'batchSize' | 'nUsers' | 'nItems' | 'nRows' | 'nTiles' | 'copyWords', number>>;

/** Passes of the sort go from one of the two buffers of sides to the other. */
function bindAll(
  scope: Scope,
  pipelines: BatchPipelines,
  buffers: Buffers,
  sides: readonly GPUBuffer[],
  nPasses: number,
  uniforms: Uniforms,
) {
  const passes = Array.from({ length: nPasses }, (_, pass) => {
    const unsorted = sides[pass % 2];
    return {
      count: pipelines.countDigits.bind(scope, { ...buffers, unsorted }, uniforms),
      scatter: pipelines.scatterDigits.bind(scope, { ...buffers, unsorted, sorted: sides[(pass + 1) % 2] }, uniforms),
    };
  });
  return {
    draw: pipelines.draw.bind(scope, { ...buffers, drawn: sides[0] }, uniforms),
    copies: pipelines.copies.bind(scope, buffers, uniforms),
    passes,
    scan: pipelines.scanDigits.bind(scope, buffers, uniforms),
    fill: pipelines.fill.bind(scope, { ...buffers, sorted: sides[nPasses % 2] }, uniforms),
  };
}
