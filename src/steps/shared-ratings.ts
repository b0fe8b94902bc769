import { Rating } from '../../shaders/ops/structs.js';
import { packRatings } from '../data/pack-ratings.js';
import type { Ratings } from '../data/ratings.js';
import type { GpuContext } from '../gpu/context.js';
import { Scope } from '../gpu/scope.js';
import { StructArray } from '../gpu/struct.js';

/** Ratings packed and written at a time. */
const PIECE = 2 ** 18;

interface Shared {
  scope: Scope;
  buffer: GPUBuffer;
  nShares: number;
}

const uploads = new WeakMap<GpuContext, WeakMap<Ratings, Shared>>();

/**
 * All of these ratings on the device, as `Rating` structs of 12 bytes whose items are counted from the first item. They are
 * uploaded once, however many ask for them, and stay until the last scope that did is released: trials of one sweep share them.
 *
 * @throws MemoryBudgetError
 */
export function sharedRatings(scope: Scope, train: Ratings): GPUBuffer {
  const { gpu } = scope;
  const ofGpu = uploads.get(gpu) ?? new WeakMap<Ratings, Shared>();
  uploads.set(gpu, ofGpu);
  const shared = ofGpu.get(train) ?? upload(gpu, train);
  ofGpu.set(train, shared);
  shared.nShares++;
  scope.onRelease(() => {
    if (--shared.nShares > 0) return;
    ofGpu.delete(train);
    shared.scope.release();
  });
  return shared.buffer;
}

function upload(gpu: GpuContext, train: Ratings): Shared {
  const n = train.ratings.length;
  const scope = new Scope(gpu);
  const buffer = scope.allocate('training ratings', 4 * Rating.size * n);
  const piece = new StructArray(Rating, Math.min(n, PIECE));
  for (let first = 0; first < n; first += PIECE) {
    const length = Math.min(PIECE, n - first);
    packRatings(piece, train, 0, length, first);
    gpu.write(buffer, piece.slice(0, length), 4 * Rating.size * first);
  }
  return { scope, buffer, nShares: 0 };
}
