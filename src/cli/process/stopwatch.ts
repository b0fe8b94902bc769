/** How long the named parts of a run take. */
export class Stopwatch {
  /** Seconds of each part that is over. */
  readonly seconds: Record<string, number> = {};

  /** Starts a part, and returns what ends it. */
  start(part: string): () => void {
    const started = performance.now();
    return () => void (this.seconds[part] = (performance.now() - started) / 1000);
  }

  /** Runs `work` as a part. One that throws is not recorded. */
  async time<T>(part: string, work: () => Promise<T>): Promise<T> {
    const stop = this.start(part);
    const result = await work();
    stop();
    return result;
  }

  /** Seconds since the start of the process. */
  get total(): number {
    return performance.now() / 1000;
  }
}
