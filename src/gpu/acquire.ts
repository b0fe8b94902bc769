import { checkOptions } from '../base/check.js';
import { NoAdapterError } from '../base/errors.js';
import { Gpu, type GpuOptions } from './gpu.js';

/**
 * Makes something that lives on a device: the caller's, or one opened for it alone, which is destroyed if the making fails.
 *
 * @param given ours, or a `GPUDevice` that is borrowed
 * @param open opens a device where none is given
 * @param make is told whether what it makes owns the device, and has to destroy it in the end
 */
export async function onGpu<T>(
  given: Gpu | GPUDevice | undefined,
  open: () => Promise<Gpu>,
  make: (gpu: Gpu, ownsGpu: boolean) => Promise<T>,
): Promise<T> {
  if (given !== undefined) {
    if (given instanceof Gpu) return make(given, false);
    if (given?.limits === undefined) throw new TypeError('gpu must be a GPUDevice, or the gpu that `await openGpu()` has as its property.');
    return make(Gpu.borrow(given), false);
  }
  const gpu = await open();
  try {
    return await make(gpu, true);
  } catch (error) {
    gpu.destroy();
    throw error;
  }
}

/** Which device of the browser to open, and how to use it; all optional. */
export interface OpenGpuOptions extends Pick<GpuOptions, 'memoryBudget' | 'onLost'> {
  /** Which adapter to take where there are two, as in many laptops. Default: the browser's choice. */
  powerPreference?: GPUPowerPreference | undefined;
}

/**
 * Opens a device of `navigator.gpu`, with all that its adapter allows: in a page, in a worker, and in Deno. `gpu.info` names it,
 * and `gpu.destroy()` ends it.
 *
 * @throws NoAdapterError where there is no WebGPU, or no adapter; RangeError for a budget that is not a positive number;
 *   TypeError for an option that does not exist
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  checkOptions('openGpu', options, ['powerPreference', 'memoryBudget', 'onLost']);
  const { powerPreference, ...how } = options;
  const webgpu = globalThis.navigator?.gpu;
  if (webgpu === undefined) {
    throw new NoAdapterError(
      "No WebGPU here: in Node, import from 'dotbias-node'; in a browser, use a recent one, over https or on localhost, or pass `gpu`.",
    );
  }
  const adapter = await webgpu.requestAdapter(powerPreference && { powerPreference });
  if (adapter === null) {
    throw new NoAdapterError('The browser has WebGPU, but no adapter for it: its GPU or driver may be too old or switched off.');
  }
  return Gpu.open(adapter, how);
}
