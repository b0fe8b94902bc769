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

/** Cores that the device may keep busy in training: the host makes the next batches meanwhile, and has one for itself. */
const coresBesideHost = () => Math.max(1, availableParallelism() - 1);

/**
 * The number of threads that suits such batches, for `openGpu`: one per core for large batches, and 0, to compute on one thread without
 * waking others, for small ones. It follows from sizes alone.
 *
 * Threads have to be woken for each dispatch, which pays from about 150 us of work in a step; lavapipe needs some 50 ns for
 * each vec4 of the rows that the ratings of a batch belong to, so that this is `batchSize * rowVecs >= 3000`. A thread for the core
 * on which the host works does not pay: with two on two cores (40 factors, Mesa 25.0.7) a training step of MovieLens-100K took
 * 1.2 times as long as with none for batches of 1,024 ratings, 1.15 times for 4,096, and a quarter more of the processor.
 *
 * @param cores to be used: one alone needs no threads, and more than Mesa takes are not asked for. Default: those that this process
 *   may use but one, for training; whoever has no other work may take all
 * @throws TypeError for a size that does not exist; RangeError for one that is not a whole number, at least 1
 */
export function threadsFor(batch: BatchShape, cores = coresBesideHost()): number {
  checkOptions('threadsFor', batch, ['batchSize', 'nFactors', 'bias']);
  const { batchSize, nFactors, bias = true } = batch;
  checkWhole('batchSize', batchSize);
  checkWhole('nFactors', nFactors);
  checkWhole('cores', cores);
  if (cores === 1 || batchSize * rowVecs(nFactors, bias) < LARGE) return 0;
  return Math.min(cores, MOST);
}

/** As `threadsFor`, for a model that scores so many pairs of user and item at once, with all cores: the host has little else to do then. */
export function threadsToAnswer(nPairs: number, { nFactors, hasBias }: Pick<ModelShape, 'nFactors' | 'hasBias'>): number {
  return threadsFor({ batchSize: nPairs, nFactors, bias: hasBias }, availableParallelism());
}

/** What `threadsFor` says for 40 factors, as a phrase. */
export function describeRule(cores = coresBesideHost()): string {
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
