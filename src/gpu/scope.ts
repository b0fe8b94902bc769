import { GPU_BUFFER } from './constants.js';
import type { GpuContext } from './context.js';

/** Portable alignment of a dynamic uniform offset. */
export const UNIFORM_ALIGNMENT = 256;

/**
 * Owner of GPU memory: buffers are made through it and given back all at once, whatever throws half-way. Every feature
 * that allocates has one.
 */
export class Scope {
  readonly #buffers: GPUBuffer[] = [];
  readonly #releases: (() => void)[] = [];
  #released = false;

  constructor(readonly gpu: GpuContext) {}

  /** A new buffer, zeroed, that can be written and copied from and to. @throws MemoryBudgetError */
  allocate(label: string, bytes: number, usage: GPUBufferUsageFlags = GPU_BUFFER.STORAGE): GPUBuffer {
    if (this.#released) throw new TypeError(`${label}: its scope has been released.`);
    const buffer = this.gpu.createBuffer(label, bytes, usage | GPU_BUFFER.COPY_SRC | GPU_BUFFER.COPY_DST);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** A new buffer with the given content. @throws MemoryBudgetError */
  upload(label: string, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, usage?: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.allocate(label, data.byteLength, usage);
    this.gpu.write(buffer, data);
    return buffer;
  }

  /** Room for the immediates of `nDispatches` dispatches of one recorder, where WGSL has no immediates. */
  slots(nDispatches: number): GPUBuffer | undefined {
    if (this.gpu.immediateMode === 'immediate') return undefined;
    return this.allocate('immediates', UNIFORM_ALIGNMENT * nDispatches, GPU_BUFFER.UNIFORM);
  }

  /** What to do when the scope gives everything back, of something that it owns a share of. */
  onRelease(release: () => void): void {
    this.#releases.push(release);
  }

  /** Gives everything back; a second time does nothing. */
  release(): void {
    this.#released = true;
    for (const release of this.#releases.splice(0)) release();
    for (const buffer of this.#buffers.splice(0)) this.gpu.destroyBuffer(buffer);
  }
}
