/** What a thread that makes windows, and who started it, tell each other. */
import type { RoundsPlan } from '../data/rounds.js';
import type { HostBatchSizes, WindowRoom } from './host-batches.js';
import type { WindowPlan } from './host-windows.js';

/** The first message to the thread. */
export interface WindowSetup {
  /** Of `interleave`. */
  ratings: Uint32Array<ArrayBuffer>;
  sizes: HostBatchSizes;
  /** Of training in strata. */
  rounds: RoundsPlan | undefined;
}

/** Asks for a window, to be made in the arrays of an earlier one if they are given. */
export interface WindowRequest {
  plan: WindowPlan;
  room: WindowRoom | undefined;
}

/** What the thread says when it is ready; after that, one `HostWindow` for each request. */
export const READY = 'ready';

/** What moves with a window, or comes back with its arrays. */
export const buffersOf = ({ touches, members, entries }: WindowRoom): ArrayBuffer[] => [touches.buffer, members.buffer, entries.buffer];
