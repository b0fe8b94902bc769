import { asyncDispose } from '../base/async-dispose.js';
import { checkPositive } from '../base/check.js';
import { DeviceLostError, GpuError, MemoryBudgetError, ShaderCompileError } from '../base/errors.js';
import { GPU_BUFFER, GPU_MAP_READ } from './constants.js';
import type { GpuContext } from './context.js';
import { type ImmediateMode, type Kernel, kernelSource } from './kernel.js';
import { type Compiled, compileKernel, Pipeline } from './pipeline.js';
import { Recorder, type RecorderOptions } from './recorder.js';
import { Scope } from './scope.js';
import type { Thread } from './thread.js';

/** What to tell people of the device in use. */
export interface DeviceInfo {
  /** Name of the adapter as its driver gives it; its vendor and architecture where it gives none, as in a browser. Never empty. */
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Whether it computes on the CPU (lavapipe, SwiftShader, WARP). */
  readonly isSoftware: boolean;
}

/** How a device is used; all optional. */
export interface GpuOptions {
  /** Bytes that dotbias may allocate on the device. Default: 4 GiB, or what one buffer may hold if that is more. */
  memoryBudget?: number | undefined;
  /** WGSL language features of the `GPU` object. Default: those of `navigator.gpu`, none where there is none. */
  wgslLanguageFeatures?: ReadonlySet<string> | undefined;
  /**
   * Awaits GPU work. Default: a plain await. Node passes one that sleeps between polls, because Dawn's event loop
   * would otherwise burn a core that a software adapter needs.
   */
  wait?: (<T>(work: Promise<T>) => Promise<T>) | undefined;
  /** Lets the event loop turn once in the midst of host work. Default: a message to itself, which all runtimes have. */
  turn?: (() => Promise<void>) | undefined;
  /** Starts the worker thread that makes batches (`serveWindows`). Default: the runtime's `Worker`, where it has one. */
  thread?: (() => Thread) | undefined;
  /** Called when a device of ours is lost, unless that is because somebody destroyed it. The next awaited call throws the same error. */
  onLost?: ((error: DeviceLostError) => void) | undefined;
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

/** Reading back needs room for this much, or for what is read if that is less; a learner makes sure of it. */
export const READBACK_BYTES = 2 ** 16;

/** The `Gpu` of each device that was borrowed. */
const borrowed = new WeakMap<GPUDevice, Gpu>();

/**
 * A GPUDevice with what every caller needs around it: a cache of pipelines, a memory budget, and errors that surface.
 * Uncaptured errors and the loss of the device are kept and thrown by the next awaited call.
 */
export class Gpu implements GpuContext {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
  readonly info: DeviceInfo;
  readonly immediateMode: ImmediateMode;
  readonly memoryBudget: number;
  /** Invocations in the smallest subgroup that the device may choose; 0 without the feature `subgroups`. */
  readonly smallestSubgroup: number;
  /** Bytes allocated now, and the most that ever were at one time. */
  allocated = 0;
  peakAllocated = 0;

  /**
   * Lets the event loop turn once: long host work awaits it now and then, so that timers, servers and pages are not held up.
   */
  readonly turn: () => Promise<void>;

  /** Starts the thread that makes batches, where the runtime needs a way of its own. */
  readonly thread: (() => Thread) | undefined;

  readonly #isBorrowed: boolean;
  readonly #wait: <T>(work: Promise<T>) => Promise<T>;
  readonly #compiled = new Map<string, Promise<Compiled>>();
  readonly #live = new Set<GPUBuffer>();
  readonly #onError: (event: GPUUncapturedErrorEvent) => void;
  #failure: Error | undefined;
  #lost: DeviceLostError | undefined;
  #destroyed = false;

  private constructor(device: GPUDevice, info: DeviceInfo, isBorrowed: boolean, options: GpuOptions) {
    this.device = device;
    // Each access of these getters builds a new wrapper in dawn.node: cache them.
    this.queue = device.queue;
    this.limits = device.limits;
    this.features = device.features as ReadonlySet<string>;
    this.info = info;
    this.smallestSubgroup = this.features.has('subgroups') ? (device.adapterInfo?.subgroupMinSize ?? 0) : 0;
    this.#isBorrowed = isBorrowed;
    this.#wait = options.wait ?? ((work) => work);
    this.turn = options.turn ?? turnByMessage;
    this.thread = options.thread;
    this.memoryBudget = options.memoryBudget ?? Math.max(DEFAULT_BUDGET, this.limits.maxBufferSize);
    const language = options.wgslLanguageFeatures ?? (globalThis.navigator?.gpu?.wgslLanguageFeatures as ReadonlySet<string> | undefined);
    this.immediateMode = language?.has('immediate_address_space') ? 'immediate' : 'dynamic uniform';
    this.#onError = (event) => {
      event.preventDefault?.();
      this.#failure ??= gpuError(event.error);
    };
    device.addEventListener('uncapturederror', this.#onError);
    void device.lost.then(({ reason, message }) => {
      this.#lost ??= new DeviceLostError(reason === 'destroyed' ? DESTROYED : `The GPU device was lost: ${oneLine(message)}`);
      if (reason !== 'destroyed') options.onLost?.(this.#lost);
    });
  }

  /** Requests a device with the adapter's own limits, and owns it: `destroy` ends it. */
  static async open(adapter: GPUAdapter, options: GpuOptions = {}): Promise<Gpu> {
    checkBudget(options);
    const requiredLimits = Object.fromEntries(WANTED_LIMITS.map((name) => [name, adapter.limits[name]]));
    const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name));
    const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
    return new Gpu(device, describeAdapter(adapter.info), false, options);
  }

  /**
   * Uses a device that belongs to the caller: it is never destroyed here. The same device gives the same `Gpu`, until
   * `destroy` lets go of it.
   *
   * @throws RangeError if the device is in use already with another memory budget, or for a budget that is not a positive number
   */
  static borrow(device: GPUDevice, options: Omit<GpuOptions, 'onLost'> = {}): Gpu {
    checkBudget(options);
    let gpu = borrowed.get(device);
    if (gpu === undefined) {
      gpu = new Gpu(device, describeAdapter(device.adapterInfo), true, options);
      borrowed.set(device, gpu);
    } else if (options.memoryBudget !== undefined && options.memoryBudget !== gpu.memoryBudget) {
      throw new RangeError(`This device is in use already with a memory budget of ${gpu.memoryBudget} bytes, not ${options.memoryBudget}.`);
    }
    return gpu;
  }

  /** Throws what went wrong on the device since the last check. */
  throwIfFailed(): void {
    if (this.#lost) throw this.#lost;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
  }

  /**
   * Explains why awaited work was rejected. When a device is lost, what waits for it may be rejected before the device says so.
   * @throws DeviceLostError; or what else went wrong on the device; or `error()`
   */
  async #explain(error: () => Error): Promise<never> {
    for (let turn = 0; turn < 1000 && this.#lost === undefined; turn++) await this.turn();
    this.throwIfFailed();
    throw error();
  }

  /** The largest storage buffer that a kernel can be given, in bytes. */
  get maxBinding(): number {
    return Math.min(this.limits.maxStorageBufferBindingSize, this.limits.maxBufferSize);
  }

  /**
   * Checks that `bytes` more fit the budget, and `largestBinding` one binding, before anything is allocated.
   * @throws MemoryBudgetError
   */
  checkMemory(bytes: number, what: string, largestBinding = 0): void {
    if (largestBinding > this.maxBinding) {
      throw new MemoryBudgetError(
        `${what} needs one buffer of ${mib(largestBinding)}, but ${this.info.description} binds at most ${mib(this.maxBinding)}. ` +
          'Use fewer factors or a smaller table.',
      );
    }
    if (this.allocated + bytes > this.memoryBudget) {
      throw new MemoryBudgetError(
        `${what} needs ${mib(bytes)} of GPU memory beside ${mib(this.allocated)} in use, over the budget of ` +
          `${mib(this.memoryBudget)}. Use fewer factors, a smaller batch, or raise memoryBudget.`,
      );
    }
  }

  createBuffer(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    this.checkMemory(size, label, usage & GPU_BUFFER.STORAGE ? size : 0);
    const buffer = this.device.createBuffer({ label, size, usage });
    this.#live.add(buffer);
    this.allocated += size;
    this.peakAllocated = Math.max(this.peakAllocated, this.allocated);
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    if (!this.#live.delete(buffer)) return;
    this.allocated -= buffer.size;
    buffer.destroy();
  }

  /** A new owner of buffers: whoever makes it releases it. */
  scope(): Scope {
    return new Scope(this);
  }

  /** Makes something that owns a scope, which is released if the making fails. */
  owning<T>(make: (scope: Scope) => T): T {
    const scope = this.scope();
    try {
      return make(scope);
    } catch (error) {
      scope.release();
      throw error;
    }
  }

  /** Does some work with a scope of its own, and gives back what was allocated, whatever happens. */
  async withScope<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    const scope = this.scope();
    try {
      return await work(scope);
    } finally {
      scope.release();
    }
  }

  write(buffer: GPUBuffer, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, byteOffset = 0): void {
    if (data.length > 0) this.queue.writeBuffer(buffer, byteOffset, data);
  }

  /**
   * Copies a buffer, or a part of it, back to the host. All of it is of the moment of the call, unless the memory budget
   * leaves less room than that: then it is read piece by piece.
   *
   * @throws MemoryBudgetError if less is left than `READBACK_BYTES` or what is read; GpuError; DeviceLostError
   */
  async read(buffer: GPUBuffer, byteOffset = 0, bytes = buffer.size - byteOffset): Promise<ArrayBuffer> {
    this.throwIfFailed();
    const out = new Uint8Array(bytes);
    for (let begin = 0; begin < bytes;) {
      const left = this.memoryBudget - this.allocated;
      const size = Math.min(bytes - begin, Math.max(READBACK_BYTES, Math.floor(left / 4) * 4));
      const staging = this.createBuffer('readback', size, GPU_BUFFER.COPY_DST | GPU_BUFFER.MAP_READ);
      try {
        new Recorder(this).copy(buffer, byteOffset + begin, staging, 0, size).submit();
        await this.#wait(staging.mapAsync(GPU_MAP_READ)).catch((error: unknown) =>
          this.#explain(() => new GpuError(`Reading back ${buffer.label || 'a buffer'} failed: ${oneLine(String(error))}`)),
        );
        this.throwIfFailed();
        out.set(new Uint8Array(staging.getMappedRange()), begin);
      } finally {
        this.destroyBuffer(staging);
      }
      begin += size;
    }
    return out.buffer;
  }

  async readFloats(buffer: GPUBuffer, offset = 0, length = buffer.size / 4 - offset): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.read(buffer, 4 * offset, 4 * length));
  }

  async readWords(buffer: GPUBuffer, offset = 0, length = buffer.size / 4 - offset): Promise<Uint32Array<ArrayBuffer>> {
    return new Uint32Array(await this.read(buffer, 4 * offset, 4 * length));
  }

  /**
   * Compiles a kernel; the same source is compiled only once. Call it for several kernels at once to compile them side by side.
   * @throws ShaderCompileError quoting the offending lines
   */
  async compile<K extends Kernel>(kernel: K): Promise<Pipeline<K>> {
    const source = kernelSource(kernel, this.immediateMode);
    let compiled = this.#compiled.get(source);
    if (compiled === undefined) {
      compiled = this.#build(kernel, source);
      this.#compiled.set(source, compiled);
      compiled.catch(() => this.#compiled.delete(source));
    }
    return new Pipeline(kernel, await compiled);
  }

  async #build(kernel: Kernel, source: string): Promise<Compiled> {
    this.throwIfFailed();
    this.device.pushErrorScope('validation');
    const module = this.device.createShaderModule({ label: kernel.name, code: source });
    const compiling = compileKernel(this, kernel, module);
    const scope = this.device.popErrorScope();
    const [built, error, info] = await Promise.all([
      compiling.catch((reason: unknown) => reason as Error),
      scope,
      module.getCompilationInfo(),
    ]).catch((reason: unknown) => this.#explain(() => reason as Error));
    const messages = info.messages.filter((message) => message.type === 'error');
    if (messages.length > 0 || error !== null || built instanceof Error) {
      const lines = source.split('\n');
      const detail = messages.map((m) => `line ${m.lineNum}: ${m.message}\n  ${lines[m.lineNum - 1] ?? ''}`).join('\n');
      const failed = () => new ShaderCompileError(`${kernel.name}: ${detail || (error?.message ?? String(built))}`);
      if (messages.length === 0) await this.#explain(failed);
      throw failed();
    }
    return built;
  }

  /** Starts recording dispatches. */
  record(label?: string, options: Omit<RecorderOptions, 'label'> = {}): Recorder {
    return new Recorder(this, { ...options, ...(label !== undefined && { label }) });
  }

  /** Waits until all submitted work is done. */
  async idle(): Promise<void> {
    this.throwIfFailed();
    await this.#wait(this.queue.onSubmittedWorkDone()).catch((error: unknown) =>
      this.#explain(() => new GpuError(`Waiting for the GPU failed: ${oneLine(String(error))}`)),
    );
    this.throwIfFailed();
  }

  /** Ends the device, which whatever still needs it is told; or lets go of it if it was borrowed. A second time does nothing. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.device.removeEventListener('uncapturederror', this.#onError);
    if (this.#isBorrowed) borrowed.delete(this.device);
    else {
      this.#lost ??= new DeviceLostError(DESTROYED);
      this.device.destroy();
    }
  }

  /** As `destroy`, for `await using`. */
  async [asyncDispose](): Promise<void> {
    this.destroy();
  }
}

/** One turn of the event loop. (A timer of 0 ms would wait for 1 to 4 ms.) */
function turnByMessage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}

function checkBudget({ memoryBudget }: GpuOptions): void {
  if (memoryBudget !== undefined) checkPositive('memoryBudget', memoryBudget);
}

const DESTROYED = 'The GPU device was destroyed: open another, and make or load the model anew.';

function gpuError({ constructor, message }: GPUError): GpuError {
  const [first] = message.split('\n');
  return constructor.name === 'GPUOutOfMemoryError'
    ? new GpuError(`The GPU has no memory left (${first}). Use fewer factors, a smaller batch, or end what else uses it.`)
    : new GpuError(`The GPU reported an error: ${oneLine(message)}`);
}

/** What a driver says, without the places in its own code. */
const oneLine = (message: string) =>
  message
    .replace(/^ *at .*$/gm, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ');

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** What to call an adapter, and whether it computes on the CPU. Drivers, and above all browsers, do not always say so themselves. */
export function describeAdapter(info: GPUAdapterInfo | undefined): DeviceInfo {
  const { description = '', device = '', vendor = '', architecture = '', isFallbackAdapter = false } = info ?? {};
  const name = description || device || [vendor, architecture].filter(Boolean).join(' ') || 'an adapter without a name';
  const isSoftware = isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|basic render/i.test(`${device} ${description} ${architecture}`);
  return { description: name, vendor, architecture, isSoftware };
}
