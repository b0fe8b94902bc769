import type { Ratings } from '../data/ratings.js';
import type { Scope } from '../gpu/scope.js';
import { type BatchPipelines, DeviceBatches } from './device-batches.js';
import type { WindowSizes } from './host-batches.js';
import { firstMembers, type WindowMaker } from './windows.js';

export { compileBatches } from './device-batches.js';

/** Windows made on the device; see `DeviceBatches`. Their batches are full, and their order is a permutation by its key. */
export function deviceWindows(scope: Scope, pipelines: BatchPipelines, train: Ratings, sizes: WindowSizes): WindowMaker {
  const { nUsers, nRows, batchSize, maxSteps } = sizes;
  const batches = new DeviceBatches(scope, pipelines, train, { nUsers, nItems: nRows - nUsers, batchSize, maxSteps });
  const { touches, members, entries, chunks, nSlots, nUserSlots } = batches;
  return {
    touches,
    members,
    entries,
    chunks,
    nSlots,
    async make({ key, start }) {
      if (key === undefined || start.some((place, s) => place !== start[0] + s * batchSize)) {
        throw new RangeError("The device makes full batches of a permutation only: train with batches: 'host'.");
      }
      const nSteps = start.length - 1;
      return {
        firstTouch: start.map((_, s) => s * nSlots) as Uint32Array<ArrayBuffer>,
        nUserTouches: new Uint32Array(nSteps).fill(nUserSlots),
        firstMember: firstMembers(start),
        record: (recorder) => void batches.record(recorder, { key, first: start[0], nSteps }),
      };
    },
  };
}
