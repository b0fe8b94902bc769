import { gatherNumbers, type Ring } from '../../base/ring.js';

/** A rank holds the others up if it works so many times as long as the median rank, and so many seconds longer. */
const SLOW = { times: 1.25, seconds: 1 };

/** How long each rank works between two laps: all time but that in calls of the ring, where it waits for the others. */
export class RankTimes {
  /** The ring to use instead of the one given, so that its calls are timed. */
  readonly ring: Ring;
  #began: number;
  #inRing = 0;

  /** @param clock in ms */
  constructor(
    private readonly bare: Ring,
    private readonly clock: () => number = () => performance.now(),
  ) {
    const timed =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        const began = this.clock();
        try {
          return await call(...args);
        } finally {
          this.#inRing += this.clock() - began;
        }
      };
    this.ring = { ...bare, meet: timed(bare.meet), shift: timed(bare.shift), gather: timed(bare.gather) };
    this.#began = clock();
  }

  /** Ends a lap, and says which ranks held the others up in it, if any did; every rank calls it. */
  async lap(): Promise<string | undefined> {
    const { bare } = this;
    if (bare.size === 1) return undefined;
    const seconds = (this.clock() - this.#began - this.#inRing) / 1000;
    const ranks = (await gatherNumbers(bare, Float64Array.of(seconds))).map(([each]) => each);
    this.#began = this.clock();
    this.#inRing = 0;
    const usual = ranks.toSorted((a, b) => a - b)[Math.floor((ranks.length - 1) / 2)];
    const slow = ranks.flatMap((each, rank) =>
      each > usual * SLOW.times && each > usual + SLOW.seconds ? [`rank ${rank} (${bare.hosts[rank]}, ${each.toFixed(1)} s of work)`] : [],
    );
    return slow.length === 0 ? undefined : `The others waited for ${slow.join(', ')}; the median rank worked for ${usual.toFixed(1)} s.`;
  }
}
