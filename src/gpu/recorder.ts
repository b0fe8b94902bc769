import { GPU_BUFFER } from './constants.js';
import type { Gpu } from './gpu.js';
import { type Kernel, packScalars, type Values } from './kernel.js';
import { type Binding, type Pipeline, UNIFORM_ALIGNMENT } from './pipeline.js';

type PassWithImmediates = GPUComputePassEncoder & { setImmediates(offset: number, data: Uint32Array): void };

interface Slot {
  binding: Binding;
  words: Uint32Array<ArrayBuffer>;
  groups: number;
}

/**
 * Records dispatches into one compute pass; WebGPU orders them as if each waited for the one before.
 * Nothing runs until `submit`.
 */
export class Recorder {
  readonly #gpu: Gpu;
  readonly #encoder: GPUCommandEncoder;
  readonly #timestamps: GPUComputePassTimestampWrites | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #pipeline: Pipeline | undefined;
  #group: GPUBindGroup | undefined;
  /** Without WGSL immediates, dispatches wait here until one uniform buffer can hold the values of all of them. */
  readonly #slots: Slot[] = [];
  readonly #temporary: GPUBuffer[] = [];
  /** Dispatches recorded so far. */
  nDispatches = 0;

  constructor(gpu: Gpu, label?: string, timestamps?: GPUComputePassTimestampWrites) {
    this.#gpu = gpu;
    this.#timestamps = timestamps;
    this.#encoder = gpu.device.createCommandEncoder({ ...(label && { label }) });
  }

  /** Records one dispatch with at least `threads` invocations; a kernel ignores the surplus. */
  dispatch<K extends Kernel>(
    binding: Binding<K>,
    threads: number,
    ...immediates: keyof K['immediates'] extends never ? [] : [Values<K['immediates']>]
  ): this {
    return this.dispatchGroups(binding, Math.ceil(threads / binding.pipeline.kernel.workgroupSize), ...immediates);
  }

  /** Records one dispatch of `groups` workgroups. */
  dispatchGroups<K extends Kernel>(
    binding: Binding<K>,
    groups: number,
    ...immediates: keyof K['immediates'] extends never ? [] : [Values<K['immediates']>]
  ): this {
    if (groups === 0) return this;
    this.nDispatches++;
    const { kernel } = binding.pipeline;
    const values = immediates[0] as Record<string, number> | undefined;
    const words = values === undefined ? NO_WORDS : packScalars(kernel.name, kernel.immediates, values);
    if (this.#gpu.immediateMode === 'immediate') this.#encode(binding as unknown as Binding, words, groups);
    else this.#slots.push({ binding: binding as unknown as Binding, words, groups });
    return this;
  }

  #encode(binding: Binding, words: Uint32Array, groups: number, slots?: GPUBindGroup, offset?: number): void {
    this.#pass ??= this.#encoder.beginComputePass(this.#timestamps && { timestampWrites: this.#timestamps });
    const { pipeline } = binding;
    if (this.#pipeline !== pipeline) this.#pass.setPipeline((this.#pipeline = pipeline).raw);
    if (this.#group !== binding.group) this.#pass.setBindGroup(0, (this.#group = binding.group));
    if (slots !== undefined) this.#pass.setBindGroup(1, slots, [offset!]);
    else if (words.length > 0) (this.#pass as PassWithImmediates).setImmediates(0, words);
    const limit = this.#gpu.limits.maxComputeWorkgroupsPerDimension;
    if (groups <= limit) this.#pass.dispatchWorkgroups(groups);
    else this.#pass.dispatchWorkgroups(limit, Math.ceil(groups / limit));
  }

  /** Ends the pass so that a buffer copy can follow. */
  copy(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): this {
    this.#endPass();
    this.#encoder.copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
    return this;
  }

  clear(buffer: GPUBuffer, offset = 0, bytes = buffer.size - offset): this {
    this.#endPass();
    this.#encoder.clearBuffer(buffer, offset, bytes);
    return this;
  }

  /** Sends everything recorded to the device. */
  submit(): void {
    this.#endPass();
    this.#gpu.queue.submit([this.#encoder.finish()]);
    this.#gpu.release(...this.#temporary);
  }

  #endPass(): void {
    this.#encodeSlots();
    this.#pass?.end();
    this.#pass = this.#pipeline = this.#group = undefined;
  }

  #encodeSlots(): void {
    if (this.#slots.length === 0) return;
    const stride = UNIFORM_ALIGNMENT / 4;
    const values = new Uint32Array(this.#slots.length * stride);
    this.#slots.forEach(({ words }, i) => values.set(words, i * stride));
    const buffer = this.#gpu.upload('immediates', values, GPU_BUFFER.UNIFORM);
    this.#temporary.push(buffer);
    const groups = new Map<Pipeline, GPUBindGroup>();
    this.#slots.forEach(({ binding, words, groups: nGroups }, i) => {
      const layout = binding.pipeline.immediateLayout;
      if (layout === undefined) return this.#encode(binding, NO_WORDS, nGroups);
      let group = groups.get(binding.pipeline);
      if (group === undefined) {
        group = this.#gpu.device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer, size: words.byteLength } }] });
        groups.set(binding.pipeline, group);
      }
      this.#encode(binding, words, nGroups, group, i * UNIFORM_ALIGNMENT);
    });
    this.#slots.length = 0;
  }
}

const NO_WORDS = new Uint32Array(0);
