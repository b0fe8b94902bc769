/**
 * The one place that loads the native WebGPU library (Dawn, npm package `webgpu`) and makes its `GPU` objects.
 *
 * Found by experiment with webgpu 0.6.2:
 *  - `create()` touches no driver. The first `requestAdapter()` of each `GPU` loads `libvulkan.so.1` and makes its own
 *    Vulkan instance, all in the synchronous part of the call; the environment is read there and not again, neither by
 *    `requestDevice()` nor by a later `requestAdapter()` of the same `GPU`. So variables such as VK_ICD_FILENAMES and
 *    LP_NUM_THREADS need to be set during that call only, and two `GPU`s in one process can have different drivers.
 *  - A `GPU` that is garbage collected takes its devices' locks with it, and the next use aborts the process: all are kept
 *    until the process ends. Each has a Vulkan instance of its own, with its threads and tens of MB. So there is one for
 *    each set of flags and variables; its `requestAdapter()` gives as many adapters, each good for one device, as one likes.
 *  - A process that ends in the midst of GPU work ends at once, while the driver's threads still run: about 1 in 400 such
 *    ends was a SIGSEGV on SwiftShader. Destroying the device waits for them: see `destroyAtExit`. Validation errors, lost
 *    or destroyed devices and mapped buffers did no harm to the exit code.
 *  - Dawn writes its warnings to the stderr file descriptor itself and has no switch for them. They come with the first
 *    `requestAdapter()` of a `GPU`, from its synchronous part. Where their cause can be avoided it is: there is no
 *    `requestAdapter()` when there is no Vulkan loader, and no more `GPU`s than needed. Two that only say that Dawn has
 *    fewer dynamic buffers than the driver can be taken out, see `filterStderr`.
 */
import { NoAdapterError } from '../../base/errors.js';
import { setVariable } from './libc.js';
import { filterStderr } from './stderr.js';
import { unloadableAdvice } from './system-advice.js';

const LOWERED_LIMITS = /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \d+ to \d+ to fit .*\n/gm;

/** Every `GPU` of this process, by the flags and variables that it was made with, and when it has met its drivers. */
const instances = new Map<string, { gpu: GPU; met: Promise<unknown> }>();

/** The variables that Vulkan loaders and drivers read. */
const driverVariable = /^(VK|LP|MESA|GALLIUM|GALLIVM|LVP|DRI|XDG)_/;

export interface RequestedAdapter {
  gpu: GPU;
  /** Good for one device; null if there is none. */
  adapter: GPUAdapter | null;
}

/**
 * Dawn's best adapter under the given flags and environment variables, from the one `GPU` that this process has for them.
 *
 * @param flags Dawn's own options, `key=value`: `backend=null`, `adapter=NAME`, `disable-dawn-features=a,b`.
 * @param quiet Takes `LOWERED_LIMITS` out of stderr, see `filterStderr` for when that must not be asked for.
 * @throws NoAdapterError where the native library does not load: musl, or a platform it is not built for; an Error of
 *   Dawn's that lists all adapters if a flag names one that does not exist
 */
export async function requestAdapter(
  flags: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
  quiet = false,
): Promise<RequestedAdapter> {
  const dawn = await loadDawn();
  const drivers = Object.entries({ ...process.env, ...variables })
    .filter(([name]) => driverVariable.test(name))
    .sort();
  const key = JSON.stringify([flags, drivers]);
  const request = (gpu: GPU) => withEnvironment(variables, () => gpu.requestAdapter({ powerPreference: 'high-performance' }));
  const instance = instances.get(key);
  if (instance) {
    await instance.met;
    return { gpu: instance.gpu, adapter: await request(instance.gpu) };
  }
  const gpu = dawn.create([...flags]);
  const first = quiet ? filterStderr(LOWERED_LIMITS, () => request(gpu)) : request(gpu);
  instances.set(key, { gpu, met: first.catch(() => undefined) });
  return { gpu, adapter: await first };
}

async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (cause) {
    throw new NoAdapterError(unloadableAdvice(cause), { cause });
  }
}

const live = new Set<GPUDevice>();
let listening = false;
let reportingError = false;

/**
 * Destroys `device` when the process ends in whichever way JavaScript hears of (out of work, `process.exit()`, an
 * uncaught exception), after waiting for the work that it has begun, so that the process ends with its own exit code.
 * Call it right after `requestDevice()`, before other listeners are added to the device.
 */
export function destroyAtExit(device: GPUDevice): void {
  if (!listening) process.once('exit', destroyLive);
  listening = true;
  live.add(device);
  void device.lost.then(() => live.delete(device));
  device.addEventListener('uncapturederror', noteReport);
}

/** Dawn holds the device's lock while it reports an error: to destroy the device from there would wait for ever. */
function noteReport(): void {
  reportingError = true;
  queueMicrotask(() => {
    reportingError = false;
  });
}

function destroyLive(): void {
  if (reportingError) return;
  for (const device of live) device.destroy();
}

/**
 * Runs synchronous `work` with environment variables that hold only meanwhile: child processes do not inherit them and
 * the values from before come back. (In a worker thread `process.env` is a copy that native code does not see.)
 */
export function withEnvironment<T>(variables: Readonly<Record<string, string>>, work: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  for (const [name, value] of Object.entries(variables)) setVariable(name, value);
  try {
    return work();
  } finally {
    for (const [name, value] of before) setVariable(name, value);
  }
}
