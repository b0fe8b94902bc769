import type { Batches } from '../steps/stepper.js';
import type { Epochs } from './epochs.js';

/** Submissions whose batches are prepared while the device works on those before. */
const AHEAD = 2;

/** Where the submissions of a fit are. */
export interface FitPlaces {
  /** The most steps of a submission. */
  readonly maxSteps: number;
  /** Steps of the schedule, and the one to begin with, the first of an epoch. */
  readonly firstStep: number;
  readonly totalSteps: number;
  /** That epoch, counted over the learner's life. */
  readonly firstEpoch: number;
}

/** Steps that are submitted at once. */
export interface Submission {
  readonly epoch: number;
  readonly nSteps: number;
  /** Whether these are the last steps of a round. */
  readonly endsRound: boolean;
  /** For each part of the model. */
  readonly batches: readonly Batches[];
}

/** The submissions of a fit, one after the other, and the batches of the two to come. */
export class BatchesAhead {
  readonly #coming: Iterator<Submission, undefined>;
  readonly #queue: Submission[] = [];
  #epoch: number;

  constructor(
    private readonly epochs: Epochs,
    places: FitPlaces,
  ) {
    this.#epoch = places.firstEpoch;
    this.#coming = submissions(epochs, places);
  }

  /** The next submission; not to be called after the last. */
  next(): Submission {
    this.#fill(1);
    const submission = this.#queue.shift()!;
    this.#epoch = submission.epoch;
    return submission;
  }

  /** The next two, as far as they may be prepared: an order of the caller's is asked for an epoch only when that begins. */
  coming(): Submission[] {
    this.#fill(AHEAD);
    return this.#queue.filter(({ epoch }) => this.epochs.isAhead || epoch === this.#epoch);
  }

  #fill(n: number): void {
    while (this.#queue.length < n) {
      const { value } = this.#coming.next();
      if (value === undefined) return;
      this.#queue.push(value);
    }
  }
}

function* submissions(epochs: Epochs, { maxSteps, firstStep, totalSteps, firstEpoch }: FitPlaces): Generator<Submission, undefined> {
  let left = totalSteps - firstStep;
  for (let epoch = firstEpoch; left > 0; epoch++) {
    for (const [round, steps] of epochs.steps.entries()) {
      const batchesOf = epochs.round(epoch, round);
      for (let first = 0; first < steps && left > 0; first += maxSteps) {
        const nSteps = Math.min(maxSteps, steps - first, left);
        left -= nSteps;
        yield { epoch, nSteps, endsRound: first + nSteps === steps, batches: batchesOf(first, nSteps) };
      }
    }
  }
  return undefined;
}
