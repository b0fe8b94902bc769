import { setImmediate } from 'node:timers/promises';
import { checkOptions } from '../../base/check.js';
import { Gpu, type GpuOptions } from '../../gpu/gpu.js';
import type { BatchShape } from '../../train/make-learner.js';
import { ADAPTER_OPTIONS, type AdapterReport, openAdapter, type OpenAdapterOptions } from './adapter.js';
import { destroyAtExit } from './dawn.js';
import { windowThread } from './thread.js';
import { threadsFor } from './threads.js';

/** Which adapter to open, and how much of its memory to use; all optional. */
export interface OpenGpuOptions extends OpenAdapterOptions, Pick<GpuOptions, 'memoryBudget' | 'onLost'> {}

/** A device of this machine, with what was chosen and why. */
export interface OpenedGpu {
  gpu: Gpu;
  info: AdapterReport;
  why: string;
}

/**
 * Opens the best adapter of this machine, or the one named; see `openAdapter` for the order. `gpu.destroy()` ends it. (The core's
 * `openGpu`, for browsers, where there is little to choose and nothing to report, gives the `Gpu` itself.)
 *
 * lavapipe computes on the thread that takes submissions, unless `softwareThreads` or LP_NUM_THREADS says otherwise: its threads cost more
 * to wake for each small dispatch than they gain. For large batches, `threadsFor` says how many pay.
 *
 * @throws NoAdapterError if there is none, with what to install; TypeError for an option that does not exist; RangeError for a
 *   value out of range
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<OpenedGpu> {
  checkOptions('openGpu', options, [...ADAPTER_OPTIONS, 'memoryBudget', 'onLost']);
  const { memoryBudget, onLost, softwareThreads = 0, ...which } = options;
  const { adapter, gpu: dawn, info, why } = await openAdapter({ ...which, softwareThreads });
  const gpu = await Gpu.open(adapter, {
    wgslLanguageFeatures: dawn.wgslLanguageFeatures as ReadonlySet<string>,
    ...eventLoop(info.isSoftware ? 1 : 0.1),
    thread: windowThread,
    memoryBudget,
    onLost,
  });
  destroyAtExit(gpu.device);
  return { gpu, info, why };
}

/** The best adapter's device, for whoever opens one for themselves; lavapipe with the threads that suit the batches to be trained on. */
export async function openOwnGpu(batch?: BatchShape): Promise<Gpu> {
  return (await openGpu({ softwareThreads: batch && threadsFor(batch) })).gpu;
}

/** Polls for GPU work before the first nap: short work of lavapipe is done by then. And how long that nap is, in ms. */
const POLLS_BEFORE_NAP = 3;
const FIRST_NAP = 0.05;

/**
 * Awaits GPU work with naps between polls, each twice as long as the one before: Dawn settles its promises from the event loop, which
 * would otherwise spin and take a core from a software adapter. Of several that wait, one naps. There is no nap while host work waits
 * for the loop to turn.
 *
 * @param longestNap in ms: so long nothing else runs on this thread
 */
function eventLoop(longestNap: number): Required<Pick<GpuOptions, 'wait' | 'turn'>> {
  const never = new Int32Array(new SharedArrayBuffer(4));
  let working = 0;
  const waiting = new Set<Promise<unknown>>();
  return {
    async wait(work) {
      const done = () => void waiting.delete(work);
      waiting.add(work);
      work.then(done, done);
      for (let poll = 1, nap = FIRST_NAP; ; poll++) {
        await setImmediate();
        if (!waiting.has(work)) return work;
        const [first] = waiting;
        if (poll <= POLLS_BEFORE_NAP || working > 0 || first !== work) continue;
        Atomics.wait(never, 0, 0, Math.min(nap, longestNap));
        nap *= 2;
      }
    },
    async turn() {
      working++;
      await setImmediate();
      working--;
    },
  };
}
