/**
 * The one place that loads the native WebGPU library (Dawn, npm package `webgpu`) and makes its `GPU` objects.
 *
 * Found by experiment with webgpu 0.6.2:
 *  - `create()` touches no driver. The first `requestAdapter()` of each `GPU` loads `libvulkan.so.1` and makes its own
 *    Vulkan instance, all in the synchronous part of the call; the environment is read there and not again, neither by
 *    `requestDevice()` nor by a later `requestAdapter()` of the same `GPU`. So variables such as VK_ICD_FILENAMES and
 *    LP_NUM_THREADS need to be set during that call only, and two `GPU`s in one process can have different drivers.
 *  - A `GPU` that is garbage collected takes its devices' locks with it, and the next use aborts the process: all are kept
 *    until the process ends.
 *  - A process that ends in the midst of GPU work ends at once, while the driver's threads still run: about 1 in 400 such
 *    ends was a SIGSEGV on SwiftShader. Destroying the device waits for them: see `destroyAtExit`. Validation errors, lost
 *    or destroyed devices and mapped buffers did no harm to the exit code.
 *  - Dawn writes its warnings to the stderr file descriptor itself and has no switch for them. They are avoided where
 *    their cause can be: no `requestAdapter()` when there is no Vulkan loader, and as few of them as possible.
 */
import { NoAdapterError } from '../../base/errors.js';
import { unloadableAdvice } from './system-advice.js';

const pinned: GPU[] = [];

/**
 * A new `GPU`, kept until the process ends.
 *
 * @param flags Dawn's own options, `key=value`: `backend=null`, `adapter=NAME`, `disable-dawn-features=a,b`.
 * @throws NoAdapterError where the native library does not load: musl, or a platform it is not built for.
 */
export async function createGpu(flags: readonly string[] = []): Promise<GPU> {
  let dawn: typeof import('webgpu');
  try {
    dawn = await import('webgpu');
  } catch (cause) {
    throw new NoAdapterError(unloadableAdvice(cause), { cause });
  }
  const gpu = dawn.create([...flags]);
  pinned.push(gpu);
  return gpu;
}

const live = new Set<GPUDevice>();
let reportingError = false;

/**
 * Destroys `device` when the process ends in whichever way JavaScript hears of (out of work, `process.exit()`, an
 * uncaught exception), after waiting for the work that it has begun, so that the process ends with its own exit code.
 * Call it right after `requestDevice()`, before other listeners are added to the device.
 */
export function destroyAtExit(device: GPUDevice): void {
  if (live.size === 0) process.once('exit', destroyLive);
  live.add(device);
  void device.lost.then(() => live.delete(device));
  // Dawn holds the device's lock while it reports an error: to destroy the device from there would wait for ever.
  device.addEventListener('uncapturederror', () => {
    reportingError = true;
    queueMicrotask(() => {
      reportingError = false;
    });
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
  const before = Object.keys(variables).map((key) => [key, process.env[key]] as const);
  Object.assign(process.env, variables);
  try {
    return work();
  } finally {
    for (const [key, value] of before) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  }
}
