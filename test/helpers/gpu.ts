/** The `Gpu` that a test file runs on. */
import { Gpu } from '../../src/gpu/gpu.js';
import { openGpu } from '../../src/node/device/device.js';
import { orEnd, orNull, testAdapter, testAdapterName } from './device.js';

let opened: Promise<Gpu> | undefined;

function openOnce(): Promise<Gpu> {
  opened ??= openGpu(testAdapterName).then(({ gpu }) => gpu);
  return opened;
}

/** One device for the whole process, on the adapter that DOTBIAS_TEST_ADAPTER names or the best there is. */
export const sharedGpu = (): Promise<Gpu> => orEnd(openOnce());

/** The same for a file of which some tests need no device: null where there is no adapter and that may be, see `orNull`. */
export const sharedGpuOrNull = (): Promise<Gpu | null> => orNull(openOnce());

/** A device of its own, to be broken or lost. Without WGSL language features it takes immediates from a uniform. */
export async function freshDevice(): Promise<GPUDevice> {
  return (await orEnd(testAdapter())).requestDevice();
}

let plain: Promise<Gpu> | undefined;

/** A second device of the same adapter, on which immediates come from a dynamic uniform. */
export function dynamicUniformGpu(): Promise<Gpu> {
  plain ??= freshDevice().then((device) => Gpu.borrow(device, { wgslLanguageFeatures: new Set() }));
  return plain;
}

let hardwareLike: Promise<Gpu> | undefined;

/** A device of the same adapter that does not say that it is software: kernels take the shape they have on a real GPU. */
export function hardwareLikeGpu(): Promise<Gpu> {
  hardwareLike ??= freshDevice().then((device) => {
    const gpu = Gpu.borrow(device, { wgslLanguageFeatures: new Set() });
    Object.assign(gpu.info, { isSoftware: false });
    return gpu;
  });
  return hardwareLike;
}

/** Makes an error that no call waits for: a copy beyond the end. */
export function breakOnce(device: GPUDevice, buffer: GPUBuffer): void {
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, buffer, 1 << 20, 4);
  encoder.finish();
}
