import { HostBatches, type HostBatchSizes, type WindowRoom } from './host-batches.js';
import { buildPlan, type WindowPlan } from './host-windows.js';

/** The first message to the thread. */
export interface WindowSetup {
  /** Of `interleave`. */
  ratings: Uint32Array<ArrayBuffer>;
  sizes: HostBatchSizes;
}

/** Asks for a window, to be made in the arrays of an earlier one if they are given. */
export interface WindowRequest {
  plan: WindowPlan;
  room: WindowRoom | undefined;
}

/** What the thread says when it is ready; after that, one `HostWindow` for each request. */
export const READY = 'ready';

/**
 * What the thread does with each message: after the first it answers requests, one after the other. An error is not caught: it ends
 * the thread, and so reaches whoever waits.
 */
export function serveWindows(post: (message: unknown, transfer: ArrayBuffer[]) => void): (message: unknown) => void {
  let batches: HostBatches | undefined;
  post(READY, []);
  return (message) => {
    if (batches === undefined) {
      const { ratings, sizes } = message as WindowSetup;
      batches = new HostBatches(ratings, sizes);
      return;
    }
    const { plan, room } = message as WindowRequest;
    const window = buildPlan(batches, plan, room);
    post(window, buffersOf(window));
  };
}

/** What moves with a window, or comes back with its arrays. */
export const buffersOf = ({ touches, members, entries }: WindowRoom): ArrayBuffer[] => [touches.buffer, members.buffer, entries.buffer];
