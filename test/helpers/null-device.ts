/**
 * A device that checks everything and computes nothing (Dawn's null backend): WGSL, layouts, bindings and limits are
 * validated as on a real one, on any machine. What is read back from its buffers is arbitrary.
 */
import { requestAdapter } from '../../src/node/device/dawn.js';
import { orEnd } from './device.js';

let opened: Promise<GPUDevice> | undefined;

/** The process's null device, with all the features and limits of its adapter. */
export function nullDevice(): Promise<GPUDevice> {
  opened ??= freshNullDevice();
  return opened;
}

/** A null device of its own. */
export const freshNullDevice = (): Promise<GPUDevice> => orEnd(open());

async function open(): Promise<GPUDevice> {
  const adapter = (await requestAdapter(['backend=null'])).adapter!;
  const requiredLimits: Record<string, number> = {};
  for (const key in adapter.limits) requiredLimits[key] = adapter.limits[key as keyof GPUSupportedLimits] as number;
  const requiredFeatures = [...adapter.features] as GPUFeatureName[];
  return adapter.requestDevice({ requiredFeatures, requiredLimits });
}
