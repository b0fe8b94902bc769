import type { Rounds } from '../data/rounds.js';
import type { Ratings } from '../data/ratings.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Thread } from '../gpu/thread.js';
import { webThread } from '../gpu/web-thread.js';
import { type HostBatchSizes, interleave } from './host-batches.js';
import { WindowThread } from './window-thread.js';
import { OwnWindows, type HostWindows } from './host-windows.js';

/** A thread costs some 0.1 s of a core to start (with two busy cores), and 10 MB: for fewer training ratings than this it does not pay. */
export const LEAST_FOR_THREAD = 500_000;

/**
 * Windows made in a thread, where there are ratings enough and one can be started; else on the main thread.
 * @param rounds of training in strata
 * @param least training ratings from which on a thread is started
 */
export async function makeWindows(
  gpu: Gpu,
  train: Ratings,
  sizes: HostBatchSizes,
  rounds: Rounds | undefined,
  least = LEAST_FOR_THREAD,
): Promise<HostWindows> {
  const here = (why: string) => new OwnWindows(train, sizes, rounds, `Batches are made on the main thread: ${why}.`);
  if (train.ratings.length < least) return here('there are too few ratings for a thread of their own');
  try {
    return await WindowThread.start(gpu.thread ?? windowThread, interleave(train, sizes.nUsers), sizes, rounds?.plan);
  } catch (error) {
    return here((error as Error).message);
  }
}

/** The worker of this folder, as bundlers recognise it. @throws Error where there are no workers */
function windowThread(): Thread {
  if (typeof Worker !== 'function') throw new Error('this runtime has no Worker');
  return webThread(new Worker(new URL('./window-worker.js', import.meta.url), { type: 'module' }));
}
