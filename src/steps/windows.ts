import { Member, RowTouch } from '../../shaders/ops/structs.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';
import { chunksOf, mostTouches, slotsPerSide, type WindowSizes } from './host-batches.js';
import type { HostWindows } from './host-windows.js';
import type { Batches } from './stepper.js';

/** A window of steps whose touches, members and entries are on the device, or will be once `record` has been called. */
export interface Window {
  /** The touches of step s are [firstTouch[s], firstTouch[s + 1]), users before items; empty slots may be among them. */
  readonly firstTouch: Uint32Array<ArrayBuffer>;
  /** How many of a step's touches are of users, segment by segment, [nSteps, segmentsPerStep]. */
  readonly nUserTouches: Uint32Array<ArrayBuffer>;
  /** Members of step s begin at firstMember[s]. */
  readonly firstMember: Uint32Array<ArrayBuffer>;
  /** Records what makes the window on the device. */
  readonly record: (recorder: Recorder) => void;
}

/** Makes windows in its buffers, one after the other. */
export interface WindowMaker {
  readonly touches: GPUBuffer;
  readonly members: GPUBuffer;
  readonly entries: GPUBuffer;
  /** For each step and side, the touches of chunks of long rows; undefined where they are not split. */
  readonly chunks: GPUBuffer | undefined;
  /** Room for so many touches in a step. */
  readonly nSlots: number;
  /** Tells of the batches that `make` will be given: see `Stepper.prepare`. */
  prepare?(coming: readonly Batches[]): void | Promise<void>;
  /** Drops what was prepared. */
  forget?(): void;
  make(batches: Batches): Promise<Window>;
}

/** A step has two members for each of its ratings. */
export const firstMembers = (start: Uint32Array) => start.map((place) => 2 * (place - start[0])) as Uint32Array<ArrayBuffer>;

/** Windows made on the host by `source`, which the scope owns from now on. */
export function hostWindows(scope: Scope, source: HostWindows, sizes: WindowSizes, splitsLongRows: boolean): WindowMaker {
  scope.onRelease(() => source.release());
  const { nUsers, nRows, batchSize, maxSteps } = sizes;
  const { gpu } = scope;
  const nSlots = mostTouches(batchSize, nUsers, nRows);
  const entries = scope.allocate('entries', 4 * nRows);
  const touches = scope.allocate('touches', 4 * RowTouch.size * nSlots * maxSteps);
  const members = scope.allocate('members', 4 * Member.size * 2 * batchSize * maxSteps);
  const chunks = splitsLongRows ? scope.allocate('chunks', 4 * 2 * slotsPerSide(batchSize) * maxSteps) : undefined;
  return {
    touches,
    members,
    entries,
    chunks,
    nSlots,
    prepare: (coming) => source.prepare(coming),
    forget: () => source.drop(),
    async make(batches) {
      const window = await source.take(batches);
      gpu.write(entries, window.entries);
      gpu.write(touches, window.touches);
      gpu.write(members, window.members);
      if (chunks) gpu.write(chunks, chunksOf(window, batchSize));
      source.recycle(window);
      const { firstTouch, nUserTouches, start } = window;
      return { firstTouch, nUserTouches, firstMember: firstMembers(start), record: () => undefined };
    },
  };
}
