import type { Batches, Stepper } from '../steps/stepper.js';
import type { EpochOrder } from './order.js';

/** Submissions whose batches are prepared while the one before them is made. */
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
  isPrepared: boolean;
}

/**
 * The batches of a fit, submission by submission. The stepper is told of the next two, so that it may prepare them: across epochs too
 * where the order has a key; an order of the caller's is asked for an epoch only when that begins.
 */
export class BatchesAhead {
  readonly #coming: Iterator<Submission, undefined>;
  readonly #queue: Submission[] = [];

  constructor(
    order: EpochOrder,
    places: FitPlaces,
    readonly stepper: Pick<Stepper, 'prepare'>,
  ) {
    this.#coming = submissions(order, places);
  }

  /** The batches of the next submission; not to be called after the last. */
  next(): Batches {
    const queue = this.#queue;
    while (queue.length <= AHEAD) {
      const { value } = this.#coming.next();
      if (value === undefined) break;
      queue.push(value);
    }
    for (const submission of this.stepper.prepare ? queue : []) {
      if (submission.batches.key === undefined && submission.epoch > queue[0].epoch) break;
      if (!submission.isPrepared) this.stepper.prepare!(submission.batches);
      submission.isPrepared = true;
    }
    return queue.shift()!.batches;
  }
}

function* submissions(order: EpochOrder, places: FitPlaces): Generator<Submission, undefined> {
  const { batchSize, stepsPerEpoch, maxSteps, firstStep, totalSteps } = places;
  let epoch = places.firstEpoch;
  for (let epochStart = firstStep; epochStart < totalSteps; epochStart += stepsPerEpoch, epoch++) {
    const nSteps = Math.min(stepsPerEpoch, totalSteps - epochStart);
    const batchesFrom = epochBatches(order, epoch, batchSize);
    for (let first = 0; first < nSteps; first += maxSteps) {
      yield { epoch, batches: batchesFrom(first, Math.min(maxSteps, nSteps - first)), isPrepared: false };
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
