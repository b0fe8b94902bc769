/** The losses of a submission, as each part of the model sums them. */
export type LossSums = readonly Float64Array[];

/** Submissions whose losses are still to be told, the oldest first. */
export class InFlight {
  readonly #waiting: { first: number; sums: Promise<LossSums> }[] = [];
  #hasThrown = false;

  /** @param tell is given the losses of each submission, in order, and its first step */
  constructor(private readonly tell: (first: number, sums: LossSums) => void) {}

  /** Takes a submission that has just been made. */
  push(first: number, parts: readonly Promise<Float64Array>[]): void {
    const sums = Promise.all(parts);
    sums.catch(() => undefined); // an error waits until the losses are told
    this.#waiting.push({ first, sums });
  }

  /** Waits until the device has made all submissions. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#waiting.map(({ sums }) => sums));
  }

  /** Tells the losses of all submissions but the last `nLeft`. @throws what `tell` throws, GpuError, DeviceLostError */
  async tellAllBut(nLeft: number): Promise<void> {
    while (this.#waiting.length > nLeft) {
      const { first, sums } = this.#waiting.shift()!;
      try {
        this.tell(first, await sums);
      } catch (error) {
        this.#hasThrown = true;
        throw error;
      }
    }
  }

  /** Ends the fit. After an error it still tells the losses of the steps that were made, unless telling them was the error. */
  async end(): Promise<void> {
    if (!this.#hasThrown) await this.tellAllBut(0).catch(() => undefined);
    await this.settled();
  }
}
