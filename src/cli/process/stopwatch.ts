/** Seconds that named parts of a run took. */
export class Stopwatch {
  readonly seconds: Record<string, number> = {};

  async time<T>(part: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.seconds[part] = (performance.now() - started) / 1000;
    return result;
  }

  /** Since the start of the process. */
  get total(): number {
    return performance.now() / 1000;
  }
}
