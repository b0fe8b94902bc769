import { DotbiasError } from '../base/errors.js';
import { Gpu } from './gpu.js';

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

/** The best device of `navigator.gpu`. @throws DotbiasError where there is none */
export async function openBrowserGpu(): Promise<Gpu> {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter();
  if (!adapter) {
    throw new DotbiasError("No WebGPU here: in Node, import from 'dotbias/node'; in a browser, use one with WebGPU, or pass `gpu`.");
  }
  return Gpu.open(adapter);
}
