/** The device's own clock. */
import { GPU_BUFFER } from '../src/gpu/constants.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { Scope } from '../src/gpu/scope.js';

/** Measures one compute pass on the device's own clock. */
export class GpuTimer {
  /** For the `Recorder` whose pass is timed. */
  readonly timestamps: GPUComputePassTimestampWrites;
  readonly #querySet: GPUQuerySet;
  readonly #scope: Scope;
  readonly #ticks: GPUBuffer;

  private constructor(readonly gpu: Gpu) {
    this.#querySet = gpu.device.createQuerySet({ label: 'timer', type: 'timestamp', count: 2 });
    this.timestamps = { querySet: this.#querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    this.#scope = gpu.scope();
    this.#ticks = this.#scope.allocate('timestamps', 16, GPU_BUFFER.QUERY_RESOLVE);
  }

  /** Undefined where the device has no timestamps. */
  static create(gpu: Gpu): GpuTimer | undefined {
    return gpu.features.has('timestamp-query') ? new GpuTimer(gpu) : undefined;
  }

  /**
   * Microseconds from the beginning to the end of the pass submitted last; waits for it. Dawn rounds them to 65.5 us unless
   * the adapter was opened with `disable-dawn-features=timestamp_quantization`, a browser to 100 us.
   */
  async elapsed(): Promise<number> {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'timer' });
    encoder.resolveQuerySet(this.#querySet, 0, 2, this.#ticks, 0);
    this.gpu.queue.submit([encoder.finish()]);
    const [begin, end] = new BigUint64Array(await this.gpu.read(this.#ticks));
    return Number(end - begin) / 1000;
  }

  release(): void {
    this.#scope.release();
    this.#querySet.destroy();
  }
}
