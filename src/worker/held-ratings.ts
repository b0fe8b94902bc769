import type { RatingColumns } from '../data/collab-data.js';
import type { Id } from '../data/ids.js';
import type { PlantedRatings } from '../data/planted.js';
import { extremes } from '../data/rating-range.js';
import type { RatingsFile } from '../read/ratings-file.js';

/** Ratings that were read and stay in the worker: what is to be said of them, and the ratings themselves for who asks. */
export class HeldRatings {
  readonly name: string;
  readonly nRatings: number;
  /** Number of malformed rows left out, see `skipBadRows`. */
  readonly skipped: number;
  /** A sentence about each of the first five. */
  readonly skippedExamples: readonly string[];
  /** What was read in a way one might not expect, in sentences. */
  readonly notes: readonly string[];
  readonly #file: RatingsFile;

  constructor(file: RatingsFile) {
    this.#file = file;
    ({ name: this.name, skipped: this.skipped, skippedExamples: this.skippedExamples, notes: this.notes } = file);
    this.nRatings = file.columns.ratings.length;
  }

  /** The ratings, as columns of equal length. */
  columns(): RatingColumns {
    return this.#file.columns;
  }

  /** The lowest and the highest rating. */
  extremes(): [min: number, max: number] {
    return extremes(this.#file.columns.ratings);
  }

  /** Item titles by item id, if known. */
  titles(): ReadonlyMap<Id, string> | undefined {
    return this.#file.titles;
  }
}

/** Planted ratings that stay in the worker. */
export class HeldPlantedRatings extends HeldRatings {
  readonly #planted: PlantedRatings;

  constructor(planted: PlantedRatings) {
    super({ columns: planted.columns, name: 'planted', skipped: 0, skippedExamples: [], notes: [] });
    this.#planted = planted;
  }

  /** The best possible prediction of each rating, [nRatings]. */
  expected(): Float32Array {
    return this.#planted.expected;
  }

  /** The mean squared error that no model can beat except by chance; see `PlantedRatings`. */
  bestMse(rows?: ArrayLike<number>): number {
    return this.#planted.bestMse(rows);
  }
}
