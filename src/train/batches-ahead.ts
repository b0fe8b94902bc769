import type { Batches } from '../steps/stepper.js';
import type { EpochOrder } from './order.js';

/** Submissions whose batches are prepared while the device works on those before. */
const AHEAD = 2;

/** Where the batches of a fit are. */
export interface FitPlaces {
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  /** The most steps of a submission. */
  readonly maxSteps: number;
  /** Steps of the schedule, and the one to begin with, the first of an epoch. */
  readonly firstStep: number;
  readonly totalSteps: number;
  /** That epoch, counted over the learner's life. */
  readonly firstEpoch: number;
}

interface Submission {
  readonly epoch: number;
  readonly batches: Batches;
}

/** The batches of a fit, submission by submission, and the two to come. */
export class BatchesAhead {
  readonly #coming: Iterator<Submission, undefined>;
  readonly #queue: Submission[] = [];
  #epoch = 0;

  constructor(order: EpochOrder, places: FitPlaces) {
    this.#coming = submissions(order, places);
  }

  /** The batches of the next submission; not to be called after the last. */
  next(): Batches {
    this.#fill(1);
    const { epoch, batches } = this.#queue.shift()!;
    this.#epoch = epoch;
    return batches;
  }

  /**
   * The batches of the two submissions after that, as far as they may be prepared: across epochs where the order has a key; an
   * order of the caller's is asked for an epoch only when that begins.
   */
  coming(): Batches[] {
    this.#fill(AHEAD);
    return this.#queue.filter(({ epoch, batches }) => batches.key !== undefined || epoch === this.#epoch).map(({ batches }) => batches);
  }

  #fill(n: number): void {
    while (this.#queue.length < n) {
      const { value } = this.#coming.next();
      if (value === undefined) return;
      this.#queue.push(value);
    }
  }
}

function* submissions(order: EpochOrder, places: FitPlaces): Generator<Submission, undefined> {
  const { batchSize, stepsPerEpoch, maxSteps, firstStep, totalSteps } = places;
  let epoch = places.firstEpoch;
  for (let epochStart = firstStep; epochStart < totalSteps; epochStart += stepsPerEpoch, epoch++) {
    const nSteps = Math.min(stepsPerEpoch, totalSteps - epochStart);
    const batchesFrom = epochBatches(order, epoch, batchSize);
    for (let first = 0; first < nSteps; first += maxSteps) {
      yield { epoch, batches: batchesFrom(first, Math.min(maxSteps, nSteps - first)) };
    }
  }
  return undefined;
}

/** The batches `first` to `first + n - 1` of an epoch. Its order is made once, if a stepper asks for it. */
function epochBatches(makeOrder: EpochOrder, epoch: number, batchSize: number): (first: number, n: number) => Batches {
  const key = makeOrder.key?.(epoch);
  let order: Uint32Array | undefined;
  return (first, n) => ({
    get order() {
      return (order ??= makeOrder(epoch));
    },
    key,
    start: Uint32Array.from({ length: n + 1 }, (_, s) => (first + s) * batchSize),
  });
}
