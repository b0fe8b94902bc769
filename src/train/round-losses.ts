import type { Ring } from '../base/ring.js';

/** What all ranks know after a round. */
export interface RoundEnd {
  /** Sums of the losses of each segment of each step of the round, part by part. */
  readonly sums: readonly Float64Array[];
  /** Whether any rank was asked to stop. */
  readonly isStopped: boolean;
  /** Milliseconds that each rank needed for its own steps. */
  readonly busy: readonly number[];
}

/** The losses of a round whose parts train on several ranks: each keeps its own, and after the round all tell each other. */
export class RoundLosses {
  /** Of each part of this rank, submission after submission. */
  #parts: Float64Array[][] = [];

  /** Keeps the sums of a submission, part by part. */
  push(parts: readonly Float64Array[]): void {
    parts.forEach((sums, part) => (this.#parts[part] ??= []).push(sums));
  }

  /** Ends the round; every rank calls it. The message of each part is [busy, stopped, sums...], in float64. */
  async gather(ring: Ring, isStopped: boolean, busy: number): Promise<RoundEnd> {
    const messages = this.#parts.splice(0).map((lists) => [busy, Number(isStopped), ...lists.flatMap((sums) => Array.from(sums))]);
    const { length } = messages[0];
    const all = new Float64Array((await ring.gather(new Uint8Array(Float64Array.from(messages.flat()).buffer))).slice().buffer);
    const parts = Array.from({ length: all.length / length }, (_, part) => all.subarray(part * length, (part + 1) * length));
    return {
      sums: parts.map((message) => message.subarray(2)),
      isStopped: parts.some((message) => message[1] === 1),
      busy: parts.filter((_, part) => part % messages.length === 0).map((message) => message[0]),
    };
  }
}
