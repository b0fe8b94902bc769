import { MOST_RANKED, rank, rankGroups } from '../../shaders/batches/rank.wgsl.js';
import { countDigits, scanDigits, scatterDigits, TILE } from '../../shaders/batches/sort.wgsl.js';
import { SideRating } from '../../shaders/ops/structs.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';

/** Sizes of device-made batches. */
export interface DeviceBatchSizes {
  nUsers: number;
  nItems: number;
  batchSize: number;
  /** Steps of the longest window. */
  maxSteps: number;
}

/** Sorts the ratings of each segment, one side of one step, by row; equal rows stay in their order. */
export interface RowSort {
  /** `SideRating`s, segment after segment, before and after; what is unsorted may be overwritten. */
  readonly unsorted: GPUBuffer;
  readonly sorted: GPUBuffer;
  readonly nDispatches: number;
  record(recorder: Recorder, nSegments: number): void;
}

/** The kernels of both sorts, compiled. */
export type SortPipelines = Awaited<ReturnType<typeof compileSort>>;

/** Compiles the kernels of both sorts. */
export async function compileSort(gpu: Gpu) {
  const [ranked, counted, scanned, scattered] = await Promise.all([
    gpu.compile(rank),
    gpu.compile(countDigits),
    gpu.compile(scanDigits),
    gpu.compile(scatterDigits),
  ]);
  return { rank: ranked, countDigits: counted, scanDigits: scanned, scatterDigits: scattered };
}

/** A sort for batches of a size: by counting as long as a segment fits a workgroup, else by digits. */
export function rowSort(scope: Scope, pipelines: SortPipelines, sizes: DeviceBatchSizes): RowSort {
  const bytes = 4 * SideRating.size * 2 * sizes.batchSize * sizes.maxSteps;
  const buffers = [0, 1].map((i) => scope.allocate(`ratings by side, ${i}`, bytes));
  return sizes.batchSize <= MOST_RANKED ? rankSort(scope, pipelines, sizes, buffers) : radixSort(scope, pipelines, sizes, buffers);
}

function rankSort(scope: Scope, pipelines: SortPipelines, { batchSize }: DeviceBatchSizes, [unsorted, sorted]: GPUBuffer[]): RowSort {
  const binding = pipelines.rank.bind(scope, { unsorted, sorted }, { batchSize });
  return {
    unsorted,
    sorted,
    nDispatches: 1,
    record: (recorder, nSegments) => void recorder.dispatchGroups(binding, rankGroups(nSegments, batchSize), { nSegments }),
  };
}

/** Bits of a row by which one pass goes. */
const DIGIT_BITS = 8;

/** From the lowest digit to the highest that the rows of the larger table have, each pass from one buffer to the other. */
function radixSort(scope: Scope, pipelines: SortPipelines, sizes: DeviceBatchSizes, buffers: readonly GPUBuffer[]): RowSort {
  const { nUsers, nItems, batchSize, maxSteps } = sizes;
  const nTiles = Math.ceil(batchSize / TILE);
  const nPasses = Math.ceil(Math.max(1, Math.log2(Math.max(nUsers, nItems))) / DIGIT_BITS);
  const digits = scope.allocate('digits', 4 * TILE * (nTiles + 1) * 2 * maxSteps);
  const uniforms = { batchSize, nTiles, nUsers };
  const scan = pipelines.scanDigits.bind(scope, { digits }, { nTiles });
  const [even, odd] = [0, 1].map((i) => {
    const [unsorted, sorted] = [buffers[i], buffers[1 - i]];
    return {
      count: pipelines.countDigits.bind(scope, { unsorted, digits }, uniforms),
      scatter: pipelines.scatterDigits.bind(scope, { unsorted, digits, sorted }, uniforms),
    };
  });
  return {
    unsorted: buffers[0],
    sorted: buffers[nPasses % 2],
    nDispatches: 3 * nPasses,
    record(recorder, nSegments) {
      const nGroups = nSegments * nTiles;
      for (let pass = 0; pass < nPasses; pass++) {
        const { count, scatter } = pass % 2 === 0 ? even : odd;
        const tiles = { nGroups, shift: DIGIT_BITS * pass };
        recorder.dispatchGroups(count, nGroups, tiles);
        recorder.dispatchGroups(scan, nSegments, { nGroups: nSegments });
        recorder.dispatchGroups(scatter, nGroups, tiles);
      }
    },
  };
}
