/** How every figure is taken: warm up, repeat, give the median and how far apart the repeats are. */
import { DotbiasError } from '../src/base/errors.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { Recorder } from '../src/gpu/recorder.js';
import { GpuTimer } from './timer.js';

export interface Timing {
  median: number;
  min: number;
  max: number;
}

export function summarise(values: readonly number[]): Timing {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/** (max - min) / median, in per cent; nothing for a single value. */
export const spread = ({ median, min, max }: Timing) => (max > min ? `${((100 * (max - min)) / median).toFixed(0)} %` : '');

/** One run to warm up, then `repeats` that count. `run` returns what it measured. */
export async function repeat(repeats: number, run: () => Promise<number>): Promise<Timing> {
  await run();
  const values: number[] = [];
  for (let i = 0; i < repeats; i++) values.push(await run());
  return summarise(values);
}

export async function seconds(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** Times passes of dispatches: on the device's clock where it has one that works, else from submission to completion. */
export class PassClock {
  readonly timer: GpuTimer | undefined;

  /** @param byTimestamps false for passes that are cut by copies or clears, of which the device times only the last piece */
  constructor(
    readonly gpu: Gpu,
    byTimestamps = true,
  ) {
    this.timer = byTimestamps ? GpuTimer.create(gpu) : undefined;
  }

  get source(): string {
    return this.timer ? 'GPU timestamps' : 'wall clock';
  }

  /** Microseconds of the dispatches that `record` makes. */
  async us(record: (recorder: Recorder) => void): Promise<number> {
    const { gpu, timer } = this;
    const recorder = gpu.record('bench', timer && { timestamps: timer.timestamps });
    record(recorder);
    await gpu.idle();
    const start = performance.now();
    recorder.submit();
    if (timer) return timer.elapsed();
    await gpu.idle();
    return 1000 * (performance.now() - start);
  }

  /**
   * Median microseconds of one of `count` dispatches: `record` is run for as many rounds as make a pass long enough to
   * measure.
   */
  async usEach(count: number, record: (recorder: Recorder) => void, repeats: number, passUs: number): Promise<Timing> {
    let rounds = 1;
    const pass = () =>
      this.us((recorder) => {
        for (let i = 0; i < rounds; i++) record(recorder);
      });
    while ((await pass()) < passUs / 2 && rounds < 1000) rounds *= 2;
    const each = async () => (await pass()) / (rounds * count);
    return repeat(repeats, each);
  }

  release(): void {
    this.timer?.release();
  }
}

/** Why something cannot be measured here: the first clause of the error. What is no refusal is thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof DotbiasError || error instanceof RangeError) return error.message.split('; ')[0];
  throw error;
}
