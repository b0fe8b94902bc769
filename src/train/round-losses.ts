import { gatherNumbers, type Ring } from '../base/ring.js';
import type { ModelTables } from '../model/tables.js';

/** What all ranks know after a round. */
export interface RoundEnd {
  /** Sums of the losses of each segment of each step of the round, part by part. */
  readonly sums: readonly Float64Array[];
  /** Whether any rank was asked to stop. */
  readonly isStopped: boolean;
}

/** The losses of a round whose parts train on several ranks: each keeps its own, and after the round all tell each other. */
export class RoundLosses {
  /** Of each part of this rank, submission after submission. */
  readonly #parts: Float64Array[][] = [];

  constructor(
    private readonly tables: ModelTables,
    private readonly ring: Ring,
  ) {}

  /** Keeps the sums of a submission, part by part. */
  push(parts: readonly Float64Array[]): void {
    parts.forEach((sums, part) => (this.#parts[part] ??= []).push(sums));
  }

  /**
   * Ends the round; every rank calls it. The message of each is [stopped, sums...], in float64.
   * @param isWhole false: the last round of a schedule that ends within it
   */
  async end(isWhole: boolean, isStopped: boolean): Promise<RoundEnd> {
    if (isWhole) await this.tables.moveItems();
    const own = this.#parts.splice(0).map((lists) => lists.flatMap((sums) => Array.from(sums)));
    const ranks = await gatherNumbers(this.ring, Float64Array.of(Number(isStopped), ...own.flat()));
    const { length } = own[0];
    return {
      sums: ranks.flatMap((rank) => own.map((_, part) => rank.subarray(1 + part * length, 1 + (part + 1) * length))),
      isStopped: ranks.some((rank) => rank[0] === 1),
    };
  }
}
