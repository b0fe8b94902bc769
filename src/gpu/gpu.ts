import { DeviceLostError, GpuError, MemoryBudgetError, ShaderCompileError } from '../base/errors.js';
import { GPU_BUFFER, GPU_MAP_READ } from './constants.js';
import { type ImmediateMode, type Kernel, kernelSource } from './kernel.js';
import { Pipeline } from './pipeline.js';
import { Recorder } from './recorder.js';

/** What a person is told of the device in use. */
export interface DeviceInfo {
  /** Name of the adapter as its driver gives it. */
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  /** True for a software adapter (lavapipe, SwiftShader, WARP). */
  readonly isFallbackAdapter: boolean;
}

/** Remembers what was measured on a device. */
export interface CalibrationStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

/** How a device is used; all optional. */
export interface GpuOptions {
  /** Bytes that dotbias may allocate on the device. Default: 4 GiB, or what one buffer may hold if that is more. */
  memoryBudget?: number;
  /** WGSL language features of the `GPU` object. Default: those of `navigator.gpu`, none where there is none. */
  wgslLanguageFeatures?: ReadonlySet<string>;
  /**
   * Awaits GPU work. Default: a plain await. Node passes one that sleeps between polls, because Dawn's event loop
   * would otherwise burn a core that a software adapter needs.
   */
  wait?: <T>(work: Promise<T>) => Promise<T>;
  /** Where measurements of this device are remembered. Default: in memory. */
  calibrations?: CalibrationStore;
}

const DEFAULT_BUDGET = 4 * 2 ** 30;
const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups'];
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const;

/**
 * A GPUDevice with what every caller needs around it: a cache of pipelines, a memory budget, and errors that surface.
 * Uncaptured errors and the loss of the device are kept and thrown by the next awaited call.
 */
export class Gpu {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
  readonly info: DeviceInfo;
  readonly immediateMode: ImmediateMode;
  readonly memoryBudget: number;
  readonly calibrations: CalibrationStore;
  /** Bytes allocated now, and the most that ever were at one time. */
  allocated = 0;
  peakAllocated = 0;

  readonly #borrowed: boolean;
  readonly #wait: <T>(work: Promise<T>) => Promise<T>;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();
  #failure: Error | undefined;
  #destroyed = false;

  private constructor(device: GPUDevice, info: DeviceInfo, borrowed: boolean, options: GpuOptions) {
    this.device = device;
    // Each access of these getters builds a new wrapper in dawn.node: cache them.
    this.queue = device.queue;
    this.limits = device.limits;
    this.features = device.features as ReadonlySet<string>;
    this.info = info;
    this.#borrowed = borrowed;
    this.#wait = options.wait ?? ((work) => work);
    this.calibrations = options.calibrations ?? inMemory();
    this.memoryBudget = options.memoryBudget ?? Math.max(DEFAULT_BUDGET, this.limits.maxBufferSize);
    const language = options.wgslLanguageFeatures ?? (globalThis.navigator?.gpu?.wgslLanguageFeatures as ReadonlySet<string> | undefined);
    this.immediateMode = language?.has('immediate_address_space') ? 'immediate' : 'dynamic uniform';
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault?.();
      this.#failure ??= new GpuError(`The GPU reported an error: ${event.error.message}`);
    });
    void device.lost.then((lost) => {
      if (!this.#destroyed) this.#failure ??= new DeviceLostError(`The GPU device was lost (${lost.reason}): ${lost.message}`);
    });
  }

  /** Requests a device with the adapter's own limits, and owns it. */
  static async open(adapter: GPUAdapter, options: GpuOptions = {}): Promise<Gpu> {
    const requiredLimits = Object.fromEntries(WANTED_LIMITS.map((name) => [name, adapter.limits[name]]));
    const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name));
    const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
    return new Gpu(device, describe(adapter.info), false, options);
  }

  /** Uses a device that belongs to the caller: it is never destroyed here. */
  static borrow(device: GPUDevice, options: GpuOptions = {}): Gpu {
    return new Gpu(device, describe(device.adapterInfo), true, options);
  }

  /** Throws what went wrong on the device since the last check. */
  throwIfFailed(): void {
    const failure = this.#failure;
    if (failure === undefined) return;
    if (!(failure instanceof DeviceLostError)) this.#failure = undefined;
    throw failure;
  }

  /** Checks that `bytes` more fit the budget and one binding, before anything is allocated. */
  checkMemory(bytes: number, what: string, largestBinding = 0): void {
    const mib = (n: number) => `${(n / 2 ** 20).toFixed(1)} MiB`;
    const binding = Math.min(this.limits.maxStorageBufferBindingSize, this.limits.maxBufferSize);
    if (largestBinding > binding) {
      throw new MemoryBudgetError(
        `${what} needs one buffer of ${mib(largestBinding)}, but ${this.info.description || 'this adapter'} binds at most ${mib(binding)}. Use fewer factors or a smaller table.`,
      );
    }
    if (this.allocated + bytes > this.memoryBudget) {
      throw new MemoryBudgetError(
        `${what} needs ${mib(bytes)} of GPU memory beside ${mib(this.allocated)} in use, over the budget of ${mib(this.memoryBudget)}. Use fewer factors, a smaller batch, or raise memoryBudget.`,
      );
    }
  }

  /** A new buffer, zeroed, that can be written and copied from and to. */
  allocate(label: string, bytes: number, usage: GPUBufferUsageFlags = GPU_BUFFER.STORAGE): GPUBuffer {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    this.checkMemory(size, label, usage & GPU_BUFFER.STORAGE ? size : 0);
    this.allocated += size;
    this.peakAllocated = Math.max(this.peakAllocated, this.allocated);
    return this.device.createBuffer({ label, size, usage: usage | GPU_BUFFER.COPY_SRC | GPU_BUFFER.COPY_DST });
  }

  /** A new storage buffer with the given content. */
  upload(label: string, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, usage?: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.allocate(label, data.byteLength, usage);
    this.write(buffer, data);
    return buffer;
  }

  write(buffer: GPUBuffer, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, byteOffset = 0): void {
    if (data.length > 0) this.queue.writeBuffer(buffer, byteOffset, data);
  }

  release(...buffers: (GPUBuffer | undefined)[]): void {
    for (const buffer of buffers) {
      if (buffer === undefined) continue;
      this.allocated -= buffer.size;
      buffer.destroy();
    }
  }

  /** Copies a buffer, or a part of it, back to the host. */
  async read(buffer: GPUBuffer, byteOffset = 0, bytes = buffer.size - byteOffset): Promise<ArrayBuffer> {
    this.throwIfFailed();
    if (bytes === 0) return new ArrayBuffer(0);
    const staging = this.device.createBuffer({ label: 'readback', size: bytes, usage: GPU_BUFFER.COPY_DST | GPU_BUFFER.MAP_READ });
    try {
      const encoder = this.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, byteOffset, staging, 0, bytes);
      this.queue.submit([encoder.finish()]);
      await this.#wait(staging.mapAsync(GPU_MAP_READ)).catch((error: unknown) => {
        this.throwIfFailed();
        throw new GpuError(`Reading back ${buffer.label || 'a buffer'} failed: ${String(error)}`);
      });
      this.throwIfFailed();
      return staging.getMappedRange().slice(0);
    } finally {
      staging.destroy();
    }
  }

  async readFloats(buffer: GPUBuffer, offset = 0, length = buffer.size / 4 - offset): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.read(buffer, 4 * offset, 4 * length));
  }

  async readWords(buffer: GPUBuffer, offset = 0, length = buffer.size / 4 - offset): Promise<Uint32Array<ArrayBuffer>> {
    return new Uint32Array(await this.read(buffer, 4 * offset, 4 * length));
  }

  /** Compiles a kernel once; later calls return the same pipeline. Call for several kernels at once to compile them side by side. */
  compile<K extends Kernel>(kernel: K): Promise<Pipeline<K>> {
    const source = kernelSource(kernel, this.immediateMode);
    let pipeline = this.#pipelines.get(source);
    if (pipeline === undefined) {
      pipeline = this.#build(kernel, source);
      this.#pipelines.set(source, pipeline);
      pipeline.catch(() => this.#pipelines.delete(source));
    }
    return pipeline as Promise<Pipeline<K>>;
  }

  async #build(kernel: Kernel, source: string): Promise<Pipeline> {
    this.throwIfFailed();
    this.device.pushErrorScope('validation');
    const module = this.device.createShaderModule({ label: kernel.name, code: source });
    const pipeline = Pipeline.create(this, kernel, module);
    const scope = this.device.popErrorScope();
    const [built, error, info] = await Promise.all([
      pipeline.catch((reason: unknown) => reason as Error),
      scope,
      module.getCompilationInfo(),
    ]);
    const messages = info.messages.filter((message) => message.type === 'error');
    if (messages.length > 0 || error !== null || !(built instanceof Pipeline)) {
      const lines = source.split('\n');
      const detail = messages.map((m) => `line ${m.lineNum}: ${m.message}\n  ${lines[m.lineNum - 1] ?? ''}`).join('\n');
      throw new ShaderCompileError(`${kernel.name}: ${detail || (error?.message ?? String(built))}`);
    }
    return built;
  }

  /** Starts recording dispatches. */
  record(label?: string): Recorder {
    return new Recorder(this, label);
  }

  /** Waits until all submitted work is done. */
  async idle(): Promise<void> {
    this.throwIfFailed();
    await this.#wait(this.queue.onSubmittedWorkDone().catch(() => undefined));
    this.throwIfFailed();
  }

  /** Ends the device, unless it was borrowed. */
  destroy(): void {
    this.#destroyed = true;
    if (!this.#borrowed) this.device.destroy();
  }
}

function inMemory(): CalibrationStore {
  const known = new Map<string, string>();
  return { get: async (key) => known.get(key), set: async (key, value) => void known.set(key, value) };
}

function describe(info: GPUAdapterInfo | undefined): DeviceInfo {
  return {
    description: info?.description ?? '',
    vendor: info?.vendor ?? '',
    architecture: info?.architecture ?? '',
    isFallbackAdapter: info?.isFallbackAdapter ?? false,
  };
}
