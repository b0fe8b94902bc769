/**
 * On how many threads lavapipe computes (its LP_NUM_THREADS). Other adapters leave nothing to choose: SwiftShader brings its own
 * threads, a GPU needs none. No result depends on it, for each row is summed and written by one invocation.
 */
import { availableParallelism } from 'node:os';
import { checkOptions, checkWhole } from '../../base/check.js';
import { RowLayout } from '../../model/layout.js';
import type { BatchShape } from '../../train/make-learner.js';

/** Ratings times vec4s of a row from which threads gain more than it costs to wake them. */
const LARGE = 3000;

/** The most that Mesa takes (LP_MAX_THREADS; 16 before its version 24.3). */
const MOST = 32;

/**
 * The number of threads that suits such batches, for `openGpu`: one per core for large batches, and 0, to compute on the thread
 * that submits, for small ones. It follows from sizes alone.
 *
 * Threads have to be woken for each dispatch, which pays from about 150 us of work in a step; lavapipe needs some 50 ns for
 * each vec4 of the rows that the ratings of a batch belong to, so that this is `batchSize * rowVecs >= 3000`. Measured with
 * two threads on two cores, 40 factors, Mesa 25.0.7: batches of 64 run at 0.69 times the speed of none, 512 at 1.6,
 * 4,096 at 1.84, and 65,536 ratings of MovieLens-1M's shape at 1.96.
 *
 * @param cores where there is one only, threads never pay; more than Mesa takes are not asked for. Default: the cores that this
 *   process may use
 * @throws TypeError for a size that does not exist; RangeError for one that is not a whole number, at least 1
 */
export function threadsFor(batch: BatchShape, cores = availableParallelism()): number {
  checkOptions('threadsFor', batch, ['batchSize', 'nFactors', 'bias']);
  const { batchSize, nFactors, bias = true } = batch;
  checkWhole('batchSize', batchSize);
  checkWhole('nFactors', nFactors);
  checkWhole('cores', cores);
  if (cores === 1 || batchSize * rowVecs(nFactors, bias) < LARGE) return 0;
  return Math.min(cores, MOST);
}

/** What `threadsFor` says for 40 factors, as a phrase. */
export function describeRule(cores = availableParallelism()): string {
  const from = Math.ceil(LARGE / rowVecs(40, true));
  const large = threadsFor({ batchSize: from, nFactors: 40 }, cores);
  if (large === 0) return 'on the main thread';
  return `on the main thread, or on ${large} threads for large batches, of ${from} ratings or more with 40 factors`;
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
