import type { ImmediateMode } from './kernel.js';

/** What pipelines, scopes and recorders need of a device. */
export interface GpuContext {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly limits: GPUSupportedLimits;
  readonly immediateMode: ImmediateMode;
  /**
   * A new buffer, zeroed and counted against the memory budget. Whoever calls this owns it: features do so through a `Scope`.
   * @throws MemoryBudgetError if the budget does not hold it
   */
  createBuffer(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer;
  /** Gives a buffer of `createBuffer` back; a second time does nothing. */
  destroyBuffer(buffer: GPUBuffer): void;
  write(buffer: GPUBuffer, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, byteOffset?: number): void;
}
