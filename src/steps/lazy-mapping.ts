import { CHUNK } from '../../shaders/ops/structs.js';
import type { LazyVariant } from '../../shaders/train/lazy-rows.js';
import { ratingsPerRow } from '../data/ratings-per-row.js';
import type { Ratings } from '../data/ratings.js';
import type { Gpu } from '../gpu/gpu.js';
import type { RowLayout } from '../model/layout.js';

/** How the work of lazy steps is spread over invocations and dispatches. */
export interface LazyMapping extends Pick<LazyVariant, 'lanes' | 'shuffles' | 'splitsLongRows'> {
  /** Whether the kernel counts the steps, so that the host has the least to encode; worth a barrier on a GPU. */
  readonly counts: boolean;
}

/** A software adapter runs an invocation per vector lane: fewer, longer ones. */
const SOFTWARE: LazyMapping = { lanes: 1, shuffles: false, splitsLongRows: false, counts: false };

/** Lanes of a row on a GPU, which hides latency with many invocations. */
const GPU_LANES = 8;

/**
 * The mapping of an adapter, by sizes only. A row has no more lanes than columns, and no more than the smallest subgroup where they
 * can shuffle. Long rows are split where the row with the most ratings is likely to have more than a chunk of them in a batch.
 */
export function usualMapping(
  { info, smallestSubgroup }: Gpu,
  { factorVecs, nRows, shape }: RowLayout,
  train: Ratings,
  batchSize: number,
): LazyMapping {
  if (info.isSoftware) return SOFTWARE;
  const most = smallestSubgroup >= 2 ? Math.min(GPU_LANES, smallestSubgroup) : GPU_LANES;
  let lanes = 1;
  while (2 * lanes <= most && lanes < factorVecs) lanes *= 2;
  const longest = ratingsPerRow(train, shape.nUsers, nRows).reduce((longer, count) => Math.max(longer, count), 0);
  const splitsLongRows = lanes > 1 && 2 * longest * batchSize > CHUNK * train.ratings.length;
  return { lanes, shuffles: smallestSubgroup >= 2 && lanes > 1, splitsLongRows, counts: true };
}
