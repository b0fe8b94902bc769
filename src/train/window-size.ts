/**
 * How many steps a window has: those of one submission, made between two moments at which the model can be read, a loss be told
 * and a fit be stopped. Where windows end may decide the last bit of a result, so it depends on sizes only, never on time, and
 * is computed with + - * / alone, in which all JavaScript engines agree.
 */
import type { Gpu } from '../gpu/gpu.js';
import type { RowLayout } from '../model/layout.js';
import type { BatchesOn } from '../steps/stepper.js';

/** What the size of a window follows from. */
export interface WindowInput {
  readonly nTrain: number;
  /** Training ratings of each row, asked for lazy steps only. */
  readonly perRow: () => Uint32Array;
  readonly batchSize: number;
  readonly layout: Pick<RowLayout, 'nRows' | 'rowStride'>;
  readonly gpu: Pick<Gpu, 'maxBinding' | 'memoryBudget'> & { readonly info: Pick<Gpu['info'], 'isSoftware'> };
  readonly batches: BatchesOn;
  /** Whether steps touch only the rows of the batch, and each window all rows once; else each step does. */
  readonly isLazy: boolean;
}

/** A row is loaded and stored in param, m and v; of the row on the other side of a rating only param is loaded. */
const TOUCH_ACCESSES = 6;
/** A dense step loads and stores the gradient, too. */
const DENSE_ACCESSES = 8;

/** `lazyEnter` goes through all rows in their order, and so needs about half the time of a touched row for each. */
const ENTER_ACCESSES = 3;
/** It is to be at most one part in so many of the window's work. */
const PARTS_OF_ENTER = 8;

/**
 * Floats that a window loads and stores, where the pass over all rows does not ask for more: some 0.03 s on lavapipe and 0.2 s
 * on SwiftShader. A GPU is a hundred times as fast and each submission costs it more, so that it has eight times as many.
 */
const WINDOW_ACCESSES = 21e6;
const GPU_FACTOR = 8;
/** The fewest steps of a window on a GPU: the host takes half a millisecond for each submission, a large batch there less than a tenth. */
const LEAST_ON_GPU = 16;

/** The most steps of a window that the device makes: a row's bits, one for each step, are then a line of 128 bytes. */
const MOST_DEVICE_STEPS = 1024;

/** Bytes of a window in its largest buffer, and in all together: at most so many for each rating, and for each step. */
const LARGEST = { perRating: 32, perStep: 512 };
const TOGETHER = { perRating: 128, perStep: 2048 };

/** The share of the memory budget that windows may take. */
const SHARE_OF_BUDGET = 1 / 8;

/** The most steps for which the buffers of a window fit their bindings and their share of the memory budget; at least 1. */
export function mostSteps({ batchSize, layout: { nRows }, gpu, batches }: Omit<WindowInput, 'nTrain' | 'perRow' | 'isLazy'>): number {
  const fit = (bytes: number, each: typeof LARGEST) => Math.floor(bytes / (each.perRating * batchSize + each.perStep));
  const most = Math.min(fit(gpu.maxBinding, LARGEST), fit(SHARE_OF_BUDGET * gpu.memoryBudget, TOGETHER));
  // A device-made window has a bit for each row and step, and one step more.
  const words = Math.floor(gpu.maxBinding / (4 * nRows));
  return Math.max(1, batches === 'device' ? Math.min(most, MOST_DEVICE_STEPS, 32 * words - 1) : most);
}

/**
 * Rows that a step is likely to touch: a row with c of the n training ratings is in a batch c B / n times, on average; those
 * that are more often in one than once count once.
 */
export function touchedRows(perRow: Uint32Array, nTrain: number, batchSize: number): number {
  const share = batchSize / nTrain;
  return perRow.reduce((sum, count) => sum + Math.min(1, count * share), 0);
}

/** Steps of a window, of which an epoch may have fewer; at most `mostSteps`. */
export function windowSize(input: WindowInput): number {
  const { nTrain, perRow, batchSize, layout, gpu, isLazy } = input;
  const { nRows, rowStride } = layout;
  const ofRows = isLazy ? TOUCH_ACCESSES * touchedRows(perRow(), nTrain, batchSize) : DENSE_ACCESSES * nRows;
  const accesses = ofRows + 2 * batchSize;
  const forEnter = isLazy ? Math.ceil(((PARTS_OF_ENTER - 1) * ENTER_ACCESSES * nRows) / accesses) : 1;
  const { isSoftware } = gpu.info;
  const usual = Math.floor((WINDOW_ACCESSES * (isSoftware ? 1 : GPU_FACTOR)) / (accesses * rowStride));
  return Math.min(mostSteps(input), Math.max(forEnter, usual, isSoftware ? 1 : LEAST_ON_GPU));
}
