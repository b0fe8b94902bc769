import { Rounds } from '../data/rounds.js';
import { HostBatches } from './host-batches.js';
import { buildPlan } from './host-windows.js';
import { buffersOf, READY, type WindowRequest, type WindowSetup } from './window-messages.js';

/**
 * What the thread does with each message: after the first it answers requests, one after the other. An error is not caught: it ends
 * the thread, and so reaches whoever waits.
 */
export function serveWindows(post: (message: unknown, transfer: ArrayBuffer[]) => void): (message: unknown) => void {
  let batches: HostBatches | undefined;
  let rounds: Rounds | undefined;
  post(READY, []);
  return (message) => {
    if (batches === undefined) {
      const { ratings, sizes, rounds: ofRounds } = message as WindowSetup;
      batches = new HostBatches(ratings, sizes);
      rounds = ofRounds && new Rounds(ofRounds);
      return;
    }
    const { plan, room } = message as WindowRequest;
    const window = buildPlan(batches, plan, rounds, room);
    post(window, buffersOf(window));
  };
}
