import { GPU_BUFFER } from '../src/gpu/constants.js';
import type { Gpu } from '../src/gpu/gpu.js';

/** Measures one compute pass on the device's own clock. */
export class GpuTimer {
  /** Given to the `Recorder` whose pass is timed. */
  readonly timestamps: GPUComputePassTimestampWrites;
  readonly #ticks: GPUBuffer;

  private constructor(
    readonly gpu: Gpu,
    readonly querySet: GPUQuerySet,
  ) {
    this.timestamps = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    this.#ticks = gpu.allocate('timestamps', 16, GPU_BUFFER.QUERY_RESOLVE);
  }

  /** Undefined where the device has no timestamps. */
  static create(gpu: Gpu): GpuTimer | undefined {
    if (!gpu.features.has('timestamp-query')) return undefined;
    return new GpuTimer(gpu, gpu.device.createQuerySet({ label: 'timer', type: 'timestamp', count: 2 }));
  }

  /**
   * Microseconds from the begin to the end of the pass submitted last; waits for it. Dawn rounds to 65.5 us unless the
   * adapter was opened with `disable-dawn-features=timestamp_quantization`, a browser to 100 us.
   */
  async elapsed(): Promise<number> {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'timer' });
    encoder.resolveQuerySet(this.querySet, 0, 2, this.#ticks, 0);
    this.gpu.queue.submit([encoder.finish()]);
    const [begin, end] = new BigUint64Array(await this.gpu.read(this.#ticks));
    return Number(end - begin) / 1000;
  }

  release(): void {
    this.gpu.release(this.#ticks);
    this.querySet.destroy();
  }
}
