import type { GpuContext } from './context.js';
import { type Kernel, packScalars, type Values } from './kernel.js';
import type { Binding, Compiled } from './pipeline.js';
import { Scope, UNIFORM_ALIGNMENT } from './scope.js';

type PassWithImmediates = GPUComputePassEncoder & { setImmediates(offset: number, data: Uint32Array): void };
type Immediates<K extends Kernel> = keyof K['immediates'] extends never ? [] : [Values<K['immediates']>];

interface Waiting {
  binding: Binding;
  words: Uint32Array<ArrayBuffer>;
  groups: number;
}

/** How a recorder is made; all optional. */
export interface RecorderOptions {
  label?: string | undefined;
  /** Room for immediates, from `Scope.slots`. Default: a buffer that the recorder makes as it submits, and gives back. */
  slots?: GPUBuffer | undefined;
  timestamps?: GPUComputePassTimestampWrites | undefined;
}

/**
 * Records dispatches into one compute pass; WebGPU orders them as if each waited for the one before.
 * Nothing runs until `submit`.
 */
export class Recorder {
  readonly #gpu: GpuContext;
  readonly #encoder: GPUCommandEncoder;
  readonly #options: RecorderOptions;
  /** Workgroups of one dimension. (Each look at a device's limits is a call into the native library.) */
  readonly #limit: number;
  #pass: GPUComputePassEncoder | undefined;
  #compiled: Compiled | undefined;
  #group: GPUBindGroup | undefined;
  /** Without WGSL immediates, dispatches wait here until one uniform buffer can hold the values of all of them. */
  readonly #waiting: Waiting[] = [];
  #usedSlots = 0;
  /** Owns room for immediates where that of `slots` does not do. */
  readonly #temporary: Scope;

  constructor(gpu: GpuContext, options: RecorderOptions = {}) {
    this.#gpu = gpu;
    this.#options = options;
    this.#limit = gpu.limits.maxComputeWorkgroupsPerDimension;
    this.#temporary = new Scope(gpu);
    this.#encoder = gpu.device.createCommandEncoder({ label: options.label ?? '' });
  }

  /** Records one dispatch with at least `threads` invocations; a kernel ignores the surplus. */
  dispatch<K extends Kernel>(binding: Binding<K>, threads: number, ...immediates: Immediates<K>): this {
    return this.dispatchGroups(binding, Math.ceil(threads / binding.pipeline.kernel.workgroupSize), ...immediates);
  }

  /** Records one dispatch of `groups` workgroups. */
  dispatchGroups<K extends Kernel>(binding: Binding<K>, groups: number, ...immediates: Immediates<K>): this {
    if (groups === 0) return this;
    const { kernel } = binding.pipeline;
    const values = immediates[0] as Record<string, number> | undefined;
    const words = values === undefined ? NO_WORDS : packScalars(kernel.name, kernel.immediates, values);
    if (this.#gpu.immediateMode === 'immediate') this.#encode(binding as unknown as Binding, words, groups);
    else this.#waiting.push({ binding: binding as unknown as Binding, words, groups });
    return this;
  }

  /**
   * Records a dispatch with at least `threads` invocations `times` times, each of which sees what the one before has written. With
   * nothing to tell one from the other, it is all that the host can save.
   */
  repeat<K extends Kernel>(binding: keyof K['immediates'] extends never ? Binding<K> : never, threads: number, times: number): this {
    const { pipeline } = binding as Binding;
    const groups = Math.ceil(threads / pipeline.kernel.workgroupSize);
    if (groups === 0 || times === 0) return this;
    this.#encodeWaiting();
    this.#encode(binding as Binding, NO_WORDS, groups);
    const pass = this.#pass!;
    const [x, y] = this.#grid(groups);
    for (let i = 1; i < times; i++) pass.dispatchWorkgroups(x, y);
    return this;
  }

  /** So many workgroups or more, folded into two dimensions where one would exceed the limit. */
  #grid(groups: number): [x: number, y: number] {
    return groups <= this.#limit ? [groups, 1] : [this.#limit, Math.ceil(groups / this.#limit)];
  }

  #encode({ pipeline: { compiled }, group }: Binding, words: Uint32Array, groups: number, slots?: GPUBindGroup, offset = 0): void {
    const { timestamps } = this.#options;
    this.#pass ??= this.#encoder.beginComputePass(timestamps && { timestampWrites: timestamps });
    if (this.#compiled !== compiled) this.#pass.setPipeline((this.#compiled = compiled).raw);
    if (this.#group !== group) this.#pass.setBindGroup(0, (this.#group = group));
    if (slots !== undefined) this.#pass.setBindGroup(1, slots, [offset]);
    else if (words.length > 0) (this.#pass as PassWithImmediates).setImmediates(0, words);
    if (groups <= this.#limit) this.#pass.dispatchWorkgroups(groups);
    else this.#pass.dispatchWorkgroups(...this.#grid(groups));
  }

  /** Ends the pass so that a buffer copy can follow. */
  copy(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): this {
    this.#endPass();
    this.#encoder.copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
    return this;
  }

  /** Ends the pass so that a buffer can be filled with zeros. */
  clear(buffer: GPUBuffer): this {
    this.#endPass();
    this.#encoder.clearBuffer(buffer);
    return this;
  }

  /** Sends everything recorded to the device. */
  submit(): void {
    try {
      this.#endPass();
      this.#gpu.queue.submit([this.#encoder.finish()]);
    } finally {
      this.#temporary.release();
    }
  }

  #temporarySlots(nSlots: number): GPUBuffer {
    try {
      return this.#temporary.slots(nSlots)!;
    } catch (error) {
      this.#temporary.release();
      throw error;
    }
  }

  #endPass(): void {
    this.#encodeWaiting();
    this.#pass?.end();
    this.#pass = this.#compiled = this.#group = undefined;
  }

  #encodeWaiting(): void {
    const nSlots = this.#waiting.length;
    if (nSlots === 0) return;
    const values = new Uint32Array((nSlots * UNIFORM_ALIGNMENT) / 4);
    this.#waiting.forEach(({ words }, i) => values.set(words, (i * UNIFORM_ALIGNMENT) / 4));
    const first = this.#usedSlots * UNIFORM_ALIGNMENT;
    const { slots } = this.#options;
    const fits = slots !== undefined && first + values.byteLength <= slots.size;
    const buffer = fits ? slots : this.#temporarySlots(nSlots);
    const begin = fits ? first : 0;
    this.#gpu.write(buffer, values, begin);
    if (fits) this.#usedSlots += nSlots;

    const groups = new Map<Compiled, GPUBindGroup>();
    this.#waiting.splice(0).forEach(({ binding, words, groups: nGroups }, i) => {
      const { compiled } = binding.pipeline;
      const layout = compiled.immediateLayout;
      if (layout === undefined) return this.#encode(binding, NO_WORDS, nGroups);
      let group = groups.get(compiled);
      if (group === undefined) {
        group = this.#gpu.device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer, size: words.byteLength } }] });
        groups.set(compiled, group);
      }
      this.#encode(binding, words, nGroups, group, begin + i * UNIFORM_ALIGNMENT);
    });
  }
}

const NO_WORDS = new Uint32Array(0);
