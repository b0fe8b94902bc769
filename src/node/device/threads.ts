/**
 * On how many threads lavapipe computes (its LP_NUM_THREADS). Other adapters leave nothing to choose: SwiftShader brings its own
 * threads, a GPU needs none. No result depends on it, for each row is summed and written by one invocation.
 */
import { availableParallelism } from 'node:os';
import { checkOptions, checkWhole } from '../../base/check.js';
import { type ModelShape, RowLayout } from '../../model/layout.js';
import type { BatchShape } from '../../train/make-learner.js';

/** Ratings times vec4s of a row from which threads gain more than it costs to wake them. */
const LARGE = 3000;

/** The most that Mesa takes (LP_MAX_THREADS; 16 before its version 24.3). */
const MOST = 32;

/** Threads for each core in training: lavapipe deals each an equal run of rows, of which those with the most ratings come first. */
const PER_CORE = 2;

/**
 * The number of threads that suits such batches, for `openGpu`: two for each core for large batches, and 0, to compute on one thread
 * without waking others, for small ones. It follows from sizes alone.
 *
 * Threads have to be woken for each dispatch, which pays from about 150 us of work in a step; lavapipe needs some 50 ns for
 * each vec4 of the rows that the ratings of a batch belong to, so that this is `batchSize * rowVecs >= 3000`. One thread for each core
 * does not pay: its run of rows is finished late if it has the heavy ones, or shares a core with the host, which makes the next batches
 * meanwhile. On two cores (40 factors, MovieLens-100K, Mesa 25.0.7) a training step took with 0, 2 and 4 threads 255, 232 and 222 us
 * for batches of 256 ratings, 702, 621 and 575 for 1,024, and in the median 1,800, 1,840 and 1,390 for 4,096.
 *
 * @param cores to be used: one alone needs no threads, and more than Mesa takes are not asked for. Default: those that this process
 *   may use
 * @throws TypeError for a size that does not exist; RangeError for one that is not a whole number, at least 1
 */
export function threadsFor(batch: BatchShape, cores = availableParallelism()): number {
  return onCores(batch, PER_CORE, cores);
}

/** As `threadsFor`, for a model that scores so many pairs of user and item at once: one for each core, since all rows cost the same. */
export function threadsToAnswer(
  nPairs: number,
  { nFactors, hasBias: bias }: Pick<ModelShape, 'nFactors' | 'hasBias'>,
  cores = availableParallelism(),
): number {
  return onCores({ batchSize: nPairs, nFactors, bias }, 1, cores);
}

function onCores(batch: BatchShape, perCore: number, cores: number): number {
  checkOptions('threadsFor', batch, ['batchSize', 'nFactors', 'bias']);
  const { batchSize, nFactors, bias = true } = batch;
  checkWhole('batchSize', batchSize);
  checkWhole('nFactors', nFactors);
  checkWhole('cores', cores);
  if (cores === 1 || batchSize * rowVecs(nFactors, bias) < LARGE) return 0;
  return Math.min(perCore * cores, MOST);
}

/** What `threadsFor` says for 40 factors, as a phrase. */
export function describeRule(cores = availableParallelism()): string {
  const from = Math.ceil(LARGE / rowVecs(40, true));
  const large = threadsFor({ batchSize: from, nFactors: 40 }, cores);
  if (large === 0) return 'on 1 thread';
  return `on 1 thread, or on ${large} threads for large batches, of ${from} ratings or more with 40 factors`;
}

/**
 * The threads that lavapipe will use: what the user's LP_NUM_THREADS says, else what was asked for. Undefined where Mesa decides.
 */
export function threadsInUse(asked: number | undefined): number | undefined {
  const threads = isUsersChoice() ? Number(process.env['LP_NUM_THREADS']) : asked;
  return threads !== undefined && Number.isInteger(threads) && threads >= 0 ? Math.min(threads, MOST) : undefined;
}

/** Whether the user has set LP_NUM_THREADS, which is then left alone. */
export function isUsersChoice(): boolean {
  return Boolean(process.env['LP_NUM_THREADS']);
}

/** vec4s in a row of a model, however many rows it has. */
function rowVecs(nFactors: number, hasBias: boolean): number {
  return new RowLayout({ nUsers: 1, nItems: 1, nFactors, hasBias }).rowVecs;
}
